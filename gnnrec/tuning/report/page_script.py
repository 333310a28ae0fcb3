"""Script of the report."""

__all__ = ["SCRIPT"]

SCRIPT = """
const plots = JSON.parse(document.getElementById("plots").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse)").matches;

// Plotly writes colours into its drawing, so a style sheet cannot change them.
function template() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--quiet"),
    automargin: true, zeroline: false, title: {standoff: 10},
  };
  return {layout: {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: {color: colour("--ink"), family: colour("--sans"), size: 12},
    margin: {l: 20, r: 16, t: 12, b: 20},
    legend: {orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom"},
    hoverlabel: {
      bgcolor: colour("--card"), bordercolor: colour("--line"), font: {color: colour("--ink")}, align: "left",
    },
    xaxis: axis, yaxis: axis, hovermode: "closest",
  }};
}

function draw() {
  const settings = {responsive: true, displayModeBar: false};
  // A finger that scrolls the page must not zoom a plot.
  const usual = {height: 400, dragmode: touch ? false : "zoom", template: template()};
  for (const [name, figure] of Object.entries(plots)) {
    Plotly.react(name, figure.data, {...usual, ...figure.layout}, settings);
  }
}

dark.addEventListener("change", draw);
draw();
"""
