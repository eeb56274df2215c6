// The graph of a job's tasks: boxes that say what each does, and can be chosen.

const LINE = 18, PADDING = 14, FOOT = 74, MOST_OPERATORS = 4, MOST_LINES = 2;
const FONT = '13px system-ui, -apple-system, "Segoe UI", sans-serif';
const LEAST_WIDTH = 166, GOOD_WIDTH = 180, MOST_WIDTH = 420;
// What "×16" takes beside a box's first line.
const COUNT_WIDTH = 34;
// How small the graph may be drawn, and in how much room at least it is read from left to right then.
const LEAST_SCALE = 0.78, SMALL = 560;
const LYING = { layers: 72, between: 22 }, STANDING = { layers: 46, between: 14 };

const pen = document.createElement("canvas").getContext("2d");
const widthOf = (text, bold) => {
  pen.font = `${bold ? 600 : 400} ${FONT}`;
  return pen.measureText(text).width;
};
// The beginning or the end of a text, as much as fits.
const fitting = (text, width, bold, tail) => {
  let low = 1, high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (widthOf(tail ? "…" + text.slice(-middle) : text.slice(0, middle), bold) <= width) low = middle;
    else high = middle - 1;
  }
  return tail ? text.slice(-low) : text.slice(0, low);
};
// A name in lines that fit. One that is too long loses its middle: its end says more.
const wrapped = (text, widths, bold) => {
  const lines = [];
  for (let rest = text; rest; ) {
    const width = widths[Math.min(lines.length, widths.length - 1)];
    if (widthOf(rest, bold) <= width) return [...lines, rest];
    if (lines.length === MOST_LINES - 1) return [...lines, "…" + fitting(rest, width, bold, true)];
    const fits = fitting(rest, width, bold, false);
    const last = Math.max(...[" ", "/", "_", "-", ".", ",", ":"].map((mark) => fits.lastIndexOf(mark)));
    const cut = last > fits.length / 3 ? last + 1 : fits.length;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return lines;
};
const shownOperators = ({ operators }) => {
  if (operators.length <= MOST_OPERATORS) return operators;
  const kept = MOST_OPERATORS - 2;
  return [...operators.slice(0, kept), `… ${operators.length - kept - 1} more …`, operators[operators.length - 1]];
};
const naturalWidth = (node) => Math.max(...shownOperators(node).map((operator, index) => widthOf(operator, !index) + (index ? 0 : COUNT_WIDTH))) + 2 * PADDING + 4;
const rowsOf = (node, width) => {
  const wide = width - 2 * PADDING;
  return shownOperators(node).flatMap((operator, index) =>
    wrapped(operator, index ? [wide] : [wide - COUNT_WIDTH, wide], !index).map((text, line) => ({ text, first: !index, more: line > 0 })));
};

class Graph {
  constructor(place, plan, choose) {
    this.place = place;
    this.nodes = plan.nodes;
    this.edges = plan.nodes.flatMap((node) => node.inputs.map((input) => ({
      source: input.id, target: node.id, way: input.ship_strategy, feedback: input.feedback,
    })));
    this.choose = choose;
    this.room = 0;
    this.vertices = [];
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(place);
  }

  // Boxes as wide as their names, if there is room; read from left to right where that leaves them large enough.
  plan(room) {
    const wanted = Math.min(MOST_WIDTH, Math.max(GOOD_WIDTH, ...this.nodes.map(naturalWidth)));
    const at = (width, gaps, vertical) => {
      const rows = new Map(this.nodes.map((node) => [node.id, rowsOf(node, width)]));
      const size = { width, height: (node) => rows.get(node.id).length * LINE + FOOT };
      return { ...layout(this.nodes, this.edges, size, gaps, vertical), rows };
    };
    const ranks = [...rankOf(this.nodes, this.edges.filter((edge) => !edge.feedback && edge.source !== edge.target)).values()];
    const layers = Math.max(...ranks) + 1;
    const lying = (room - 4 - (layers - 1) * LYING.layers) / layers;
    if (lying >= GOOD_WIDTH) return at(Math.min(wanted, lying), LYING, false);
    if (room >= SMALL && (layers * GOOD_WIDTH + (layers - 1) * LYING.layers) * LEAST_SCALE <= room - 4) return at(GOOD_WIDTH, LYING, false);
    const widest = Math.max(...ranks.map((rank) => ranks.filter((other) => other === rank).length));
    const standing = (room - 4 - (widest - 1) * STANDING.between) / widest;
    const plan = at(Math.max(LEAST_WIDTH, Math.min(wanted, standing)), STANDING, true);
    // Wires beside the boxes need more room.
    return plan.width + 4 <= room ? plan : at(LEAST_WIDTH, STANDING, true);
  }

  fit() {
    const style = getComputedStyle(this.place);
    const room = this.place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (room <= 0 || room === this.room) return;
    this.room = room;
    const plan = this.plan(room);
    const scale = Math.max(Math.min(1, room / (plan.width + 4)), LEAST_SCALE);
    const focused = document.activeElement?.dataset?.id;
    this.svg = draw("svg", {
      width: (plan.width + 4) * scale, height: (plan.height + 4) * scale, viewBox: `-2 -2 ${plan.width + 4} ${plan.height + 4}`,
      role: "group", "aria-label": "Job graph",
    });
    this.svg.append(draw("defs", {},
      draw("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, draw("path", { d: "M0,0 L8,4 L0,8 Z" })),
      draw("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, draw("path", { d: "M0,0 V8" }))));
    this.flows = plan.wires.map((wire, index) => {
      const edge = this.edges[index];
      const flow = draw("path", { class: "flow", d: wire.path });
      this.svg.append(draw("path", { class: edge.feedback ? "wire feedback" : "wire", d: wire.path, "marker-end": "url(#arrow)" }), flow);
      return flow;
    });
    this.boxes = new Map(this.nodes.map((node) => [node.id, this.box(node, plan.boxes.get(node.id), plan.rows.get(node.id))]));
    plan.wires.forEach((wire, index) => {
      // What feeds back is known by its shape, and beside a box there may be no room for more.
      if (this.edges[index].feedback) return;
      const label = draw("text", { class: "way", x: wire.label[0], y: wire.label[1] + 3.5, "text-anchor": "middle" });
      label.textContent = this.edges[index].way.toLowerCase();
      this.svg.append(label);
    });
    this.place.replaceChildren(this.svg);
    this.update(this.vertices);
    if (focused) this.boxes.get(focused)?.group.focus({ preventScroll: true });
  }

  box(node, { x, y, width, height }, rows) {
    const group = draw("g", { class: "node", transform: `translate(${x},${y})`, tabindex: 0, role: "button", "data-id": node.id });
    const title = draw("title");
    group.append(title, draw("rect", { class: "box", width, height, rx: 9 }), draw("rect", { class: "hatch", width, height, rx: 9 }),
      draw("path", { class: "edge", d: `M9,0 H6 A6,9 0 0 0 0,9 V${height - 9} A6,9 0 0 0 6,${height} H9 A5,9 0 0 1 5,${height - 9} V9 A5,9 0 0 1 9,0 Z` }));
    const text = (className, x, y, content = "", anchor = "start") => {
      const element = draw("text", { x, y, class: className, "text-anchor": anchor });
      element.textContent = content;
      group.append(element);
      return element;
    };
    rows.forEach((row, index) => text(row.first ? "first" : row.more ? "more" : "", PADDING, 21 + index * LINE, row.text));
    text("small", width - PADDING, 21, `×${node.parallelism}`, "end");
    const top = rows.length * LINE + 24;
    const rate = text("small", PADDING, top + 4);
    const state = text("state", PADDING, top + 25);
    const bars = ["busy", "held"].map((kind, index) => {
      const row = top + 19 + index * 16, start = PADDING + 48, length = width - start - 48;
      const fill = draw("rect", { class: `fill-${kind}`, x: start, y: row - 3, width: 0, height: 6, rx: 3 });
      const bar = draw("g", { class: "bar" }, draw("rect", { class: "track", x: start, y: row - 3, width: length, height: 6, rx: 3 }), fill);
      group.append(bar);
      const name = text("small", PADDING, row + 4, kind === "busy" ? "busy" : "backpr.");
      const share = text("small", width - PADDING, row + 4, "", "end");
      bar.append(name, share);
      return { bar, fill, share, width: length };
    });
    const chosen = () => this.choose(node.id);
    group.addEventListener("click", chosen);
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        chosen();
      }
    });
    this.svg.append(group);
    return { group, title, rate, state, bars };
  }

  update(vertices) {
    this.vertices = vertices;
    if (!this.boxes) return;
    const moving = new Map();
    vertices.forEach((vertex) => {
      const { group, title, rate, state, bars } = this.boxes.get(vertex.id);
      const live = vertex.live, running = vertex.status === "RUNNING";
      moving.set(vertex.id, running && live["records-out-per-second"] > 0);
      group.dataset.level = level(vertex);
      const shares = `${percent(live.busy)} busy, ${percent(live.backpressured)} backpressured`;
      title.textContent = `${vertex.name} ×${vertex.parallelism}: ${running ? shares : vertex.status.toLowerCase()}`;
      group.setAttribute("aria-label", title.textContent);
      rate.textContent = running
        ? `${perSecond(live["records-in-per-second"])} in · ${perSecond(live["records-out-per-second"])} out`
        : `${count(vertex.metrics["read-records"])} in · ${count(vertex.metrics["write-records"])} out`;
      state.textContent = running ? "" : stated(vertex.status);
      [live.busy, live.backpressured].forEach((share, index) => {
        const { bar, fill, share: text, width } = bars[index];
        bar.toggleAttribute("hidden", !running);
        fill.setAttribute("width", Math.min(1, share) * width);
        text.textContent = percent(share);
      });
    });
    this.flows.forEach((flow, index) => flow.classList.toggle("moving", moving.get(this.edges[index].source) === true));
  }
}
