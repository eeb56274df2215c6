// A small chart with a scale, and with a cursor that shows its values: on hover, by touch, and by the keyboard.

const WIDE = 100, HIGH = 40;

class Plot {
  // Screen readers call it ``label``.
  constructor(label) {
    this.points = [];
    this.key = null;
    this.svg = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.top = make("span", { className: "top" });
    this.middle = make("span", { className: "middle" });
    this.mark = make("i", { className: "cursor", hidden: true });
    this.tip = make("span", { className: "tip", hidden: true });
    this.empty = make("span", { className: "empty" });
    this.area = make("div", { className: "area", tabIndex: 0 }, this.svg, this.mark, this.empty, this.tip);
    this.start = make("span"), this.end = make("span");
    this.element = make("div", { className: "plot" },
      make("div", { className: "scale" }, this.top, this.middle, make("span", { className: "zero", textContent: "0" })),
      this.area, make("div", { className: "axis" }, this.start, this.end));
    this.area.setAttribute("role", "slider");
    this.area.setAttribute("aria-label", label);
    this.area.setAttribute("aria-valuemin", "0");
    this.listen();
  }

  listen() {
    this.area.addEventListener("pointermove", (event) => this.point(event));
    this.area.addEventListener("pointerdown", (event) => this.point(event));
    this.area.addEventListener("pointerleave", (event) => {
      // A lifted finger has not moved elsewhere.
      if (event.pointerType === "mouse" && document.activeElement !== this.area) this.move(null);
    });
    this.area.addEventListener("focus", () => this.key === null && this.move(this.points.length - 1));
    this.area.addEventListener("blur", () => this.move(null));
    this.area.addEventListener("keydown", (event) => {
      const at = this.at(), last = this.points.length - 1;
      const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last, PageDown: at - 10, PageUp: at + 10 }[event.key];
      if (event.key === "Escape") this.move(null);
      if (to === undefined) return;
      event.preventDefault();
      this.move(Math.max(0, Math.min(last, to)));
    });
  }

  point(event) {
    const { left, width } = this.area.getBoundingClientRect();
    const x = (event.clientX - left) / width;
    let nearest = null;
    this.points.forEach((point, index) => {
      if (nearest === null || Math.abs(point.x - x) < Math.abs(this.points[nearest].x - x)) nearest = index;
    });
    this.move(nearest);
  }

  // The place of the cursor, which stays with its value while others come and go.
  at() {
    const index = this.points.findIndex((point) => point.key === this.key);
    return index < 0 ? this.points.length - 1 : index;
  }

  move(index) {
    this.key = index === null || !this.points.length ? null : this.points[index].key;
    this.tell();
  }

  // ``points`` have a place ``x`` from 0 to 1, a ``key`` that does not change, and ``lines`` of text.
  show({ points, drawn, top, middle, start, end, empty }) {
    this.points = points;
    this.svg.replaceChildren(draw("path", { class: "grid", d: `M0,0.5H${WIDE}M0,${HIGH / 2}H${WIDE}M0,${HIGH - 0.5}H${WIDE}` }), ...drawn);
    this.top.textContent = top;
    this.middle.textContent = middle;
    this.start.textContent = start;
    this.end.textContent = end;
    this.empty.textContent = points.length ? "" : empty;
    if (this.key !== null && !points.some((point) => point.key === this.key)) this.key = points.length ? points[0].key : null;
    this.tell();
  }

  tell() {
    const point = this.key === null ? null : this.points[this.at()];
    this.mark.hidden = this.tip.hidden = !point;
    const spoken = point || this.points[this.points.length - 1];
    this.area.setAttribute("aria-valuemax", String(Math.max(0, this.points.length - 1)));
    this.area.setAttribute("aria-valuenow", String(Math.max(0, this.at())));
    this.area.setAttribute("aria-valuetext", spoken ? spoken.lines.join(", ") : "no values yet");
    if (!point) return;
    const x = `${(100 * point.x).toFixed(2)}%`;
    this.mark.style.left = this.tip.style.left = x;
    // It stays within the chart at both ends.
    this.tip.style.transform = `translateX(-${x})`;
    this.tip.textContent = point.lines.join("\n");
  }
}

// Paths through values, the least of them 0 and the greatest ``most``; above those of ``below``, if there are any.
const paths = (xs, values, most, below) => {
  const y = (value) => (HIGH - (HIGH - 1) * Math.min(1, value / most)).toFixed(2);
  const upper = values.map((value, index) => `${(WIDE * xs[index]).toFixed(2)},${y(value + (below ? below[index] : 0))}`);
  const lower = values.map((_, index) => `${(WIDE * xs[index]).toFixed(2)},${y(below ? below[index] : 0)}`).reverse();
  return values.length ? { line: `M${upper.join("L")}`, area: `M${[...upper, ...lower].join("L")}Z` } : { line: "", area: "" };
};
