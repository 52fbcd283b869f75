// Charts are uPlot's, vendored at build. A console built without it shows the same figures as tables alone.
import { el, language, number, t } from "./page.js";

let uPlot;
try {
  uPlot = (await import("./vendor/uPlot.js")).default;
} catch { /* not vendored; told below */ }

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// series: [{name (a colour of the style sheet), label, values}]; times and step in ms.
export function chart(label, times, series, step) {
  const legend = el("ul", { class: "legend", "aria-hidden": "true" }, series.map((s) => el("li", { class: s.name }, el("i"), s.label)));
  if (!uPlot) return [el("p", { class: "dim" }, t("This console was built without its chart library; the table below has the same figures."))];
  const place = el("div", { class: "chart", role: "img", "aria-label": `${label}. ${t("The table below has the same figures.")}` });
  const axis = () => ({ stroke: colour("dim"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } });
  const options = () => ({
    width: place.clientWidth || 600, height: 280, legend: { show: false }, cursor: { show: false }, padding: [12, 32, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.08)] } },
    axes: [
      { ...axis(), values: (_, splits) => ticks(splits) },
      { ...axis(), size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6], values: (_, v) => v.map(number) },
    ],
    series: [{}, ...series.map((s) => ({
      stroke: colour(s.name), width: 2, points: { show: times.length < 3, size: 7, fill: colour(s.name) },
      fill: `color-mix(in srgb, ${colour(s.name)} 14%, transparent)`, paths: uPlot.paths.stepped({ align: 1 }),
    }))],
  });
  // Hours, and the day under the first of each day.
  const ticks = (splits) => {
    const apart = splits.length > 1 ? splits[1] - splits[0] : 0;
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
    const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC", second: apart && apart < 60 ? "2-digit" : undefined });
    let before = "";
    return splits.map((s) => {
      const d = day.format(s * 1000), line = apart >= 86400 ? d : clock.format(s * 1000) + (d === before ? "" : `\n${d}`);
      before = d;
      return line;
    });
  };
  const data = [[...times, times.at(-1) + step].map((ms) => ms / 1000), ...series.map((s) => [...s.values, s.values.at(-1)])]; // the last step has an end, too
  let plot;
  new ResizeObserver(() => {
    if (!place.isConnected) return;
    if (!plot) plot = new uPlot(options(), data, place);
    else plot.setSize({ width: place.clientWidth, height: 280 });
  }).observe(place);
  return [place, legend];
}
