import { element } from "./element.js";

const COLUMNS = 300;

/** Requests by latency and time: a column per reading, a row per bucket, darker = more of that reading's requests. */
export class ZionLatency extends HTMLElement {
  #canvas = element("canvas", {
    class: "map",
    role: "img",
    "aria-label": "latency over time, no requests yet",
  });
  #note = element("p", { class: "soft" });
  #columns = [];
  #last;

  connectedCallback() {
    this.replaceChildren(this.#canvas, this.#note);
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
  }

  /** `buckets`: upper bounds in ms (the last one has none) and counts since the gateway began, one more than bounds. */
  add({ bounds_ms: bounds, counts }, percentiles) {
    const last = this.#last;
    this.#last = counts;
    if (last === undefined || last.length !== counts.length) return;
    this.#columns.push(counts.map((count, i) => Math.max(0, count - last[i])));
    if (this.#columns.length > COLUMNS) this.#columns.shift();
    this.bounds = bounds;
    const { p50, p95, p99 } = percentiles;
    const words = `p50 ${format(p50)}, p95 ${format(p95)}, p99 ${format(p99)} ms since the start`;
    this.#note.textContent = `Rows from ${bounds[0]} ms (below) to ${bounds.at(-1)} ms and more (above). ${words}`;
    this.#canvas.setAttribute("aria-label", `latency over time: ${words}`);
    this.#draw();
  }

  #draw() {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || this.bounds === undefined) return;
    this.#canvas.width = clientWidth;
    this.#canvas.height = clientHeight;
    const pen = this.#canvas.getContext("2d");
    const rows = this.bounds.length + 1;
    const width = clientWidth / COLUMNS;
    const height = clientHeight / rows;
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    for (const [x, column] of this.#columns.entries()) {
      const sum = column.reduce((all, count) => all + count, 0);
      if (sum === 0) continue;
      for (const [row, count] of column.entries()) {
        if (count === 0) continue;
        const share = Math.sqrt(count / sum);
        const hue = 210 - 200 * (row / rows);
        pen.fillStyle = `hsl(${hue} 80% ${isDark ? 20 + 45 * share : 85 - 45 * share}%)`;
        pen.fillRect(
          clientWidth - (this.#columns.length - x) * width,
          clientHeight - (row + 1) * height,
          width + 0.5,
          height,
        );
      }
    }
  }
}

function format(value) {
  return value === undefined ? "–" : value < 10 ? value.toFixed(1) : Math.round(value);
}
