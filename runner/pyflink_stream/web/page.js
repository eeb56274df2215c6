
// What the page shows, made anew once a second of what the server says of the job.

const SVG = "http://www.w3.org/2000/svg";
const find = (id) => document.getElementById(id);
const make = (name, properties = {}, ...children) => {
  const element = document.createElement(name);
  Object.assign(element, properties);
  element.append(...children);
  return element;
};
const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
};

// --- numbers and names ---

const count = (number) => {
  for (const unit of ["", "k", "M", "G", "T"]) {
    if (number < 999.5) return unit && number < 99.95 ? number.toPrecision(3) + unit : Math.round(number) + unit;
    number /= 1000;
  }
  return Math.round(number) + "P";
};
const bytes = (number) => {
  const text = count(number);
  return /[0-9]$/.test(text) ? `${text} B` : `${text.slice(0, -1)} ${text.slice(-1)}B`;
};
const percent = (share) => `${Math.round(share * 100)}%`;
const duration = (milliseconds) => {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 10) return `${(milliseconds / 1000).toFixed(1)} s`;
  const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const named = parts.map((part, index) => [part, "dhms"[index]]);
  const first = named.findIndex(([part]) => part > 0);
  return named.slice(first, first + 2).map(([part, unit]) => `${part} ${unit}`).join(" ");
};
const moment = (milliseconds) => {
  if (milliseconds >= Number.MAX_SAFE_INTEGER) return "end";
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime()) || date.getFullYear() < 1980) return String(milliseconds);
  return date.toDateString() === new Date().toDateString() ? date.toLocaleTimeString() : date.toLocaleString();
};
const short = (operator) => {
  const [, kind, label] = /^(.*?): (.*)$/.exec(operator) || [null, operator, ""];
  if (!label || label.startsWith("<")) return kind;
  return (label === "output()" ? "output" : label.split("/").filter(Boolean).pop()) || label;
};
const level = (vertex) => {
  const live = vertex.live;
  if (vertex.status !== "RUNNING") return vertex.status === "FINISHED" ? "finished" : "idle";
  if (live.backpressured >= 0.1 && live.backpressured > live.busy) return live.backpressured >= 0.5 ? "backpressured" : "held";
  if (live.busy >= 0.85) return "hot";
  return live.busy >= 0.5 ? "busy" : live.busy >= 0.05 ? "low" : "idle";
};

// --- the graph ---

const LINE = 18, MOST_LINES = 4, PADDING = 12;
const pen = document.createElement("canvas").getContext("2d");
const fitting = (text, width, bold) => {
  pen.font = `${bold ? 600 : 400} 13px system-ui, sans-serif`;
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(text.slice(0, length) + "…").width > width) length--;
  return text.slice(0, length) + "…";
};
const linesOf = (node) => {
  const lines = node.operators.slice(0, node.operators.length > MOST_LINES ? MOST_LINES - 1 : MOST_LINES);
  return lines.length < node.operators.length ? [...lines, `and ${node.operators.length - lines.length} more`] : lines;
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

  fit() {
    const style = getComputedStyle(this.place);
    const room = this.place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (room <= 0 || room === this.room) return;
    this.room = room;
    const small = room < 560;
    const size = { width: small ? 166 : 224, height: (node) => linesOf(node).length * LINE + 74 };
    const lying = layout(this.nodes, this.edges, size, { layers: 84, between: 22 }, false);
    const standing = layout(this.nodes, this.edges, size, { layers: 46, between: small ? 14 : 22 }, true);
    // Read from left to right where that leaves it large enough, else from top to bottom.
    const plan = lying.width * 0.78 <= room ? lying : standing.width < lying.width ? standing : lying;
    const scale = Math.max(Math.min(1, room / (plan.width + 4)), 0.78);
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
    this.boxes = new Map(this.nodes.map((node) => [node.id, this.box(node, plan.boxes.get(node.id))]));
    plan.wires.forEach((wire, index) => {
      // What feeds back is known by its shape, and beside a box there may be no room for more.
      if (this.edges[index].feedback) return;
      const label = draw("text", { class: "way", x: wire.label[0], y: wire.label[1] + 3.5, "text-anchor": "middle" });
      label.textContent = this.edges[index].way.toLowerCase();
      this.svg.append(label);
    });
    this.place.replaceChildren(this.svg);
    this.update(this.vertices);
  }

  box(node, { x, y, width, height }) {
    const lines = linesOf(node);
    const group = draw("g", { class: "node", transform: `translate(${x},${y})`, tabindex: 0, role: "button", "data-id": node.id });
    const title = draw("title");
    group.append(title, draw("rect", { class: "box", width, height, rx: 9 }), draw("rect", { class: "hatch", width, height, rx: 9 }),
      draw("path", { class: "edge", d: `M9,0 H6 A6,9 0 0 0 0,9 V${height - 9} A6,9 0 0 0 6,${height} H9 A5,9 0 0 1 5,${height - 9} V9 A5,9 0 0 1 9,0 Z` }));
    const wide = width - 2 * PADDING;
    lines.forEach((line, index) => {
      const text = draw("text", { x: PADDING + 2, y: 21 + index * LINE, class: index ? "" : "first" });
      text.textContent = fitting(line, wide - (index ? 0 : 30), !index);
      group.append(text);
    });
    const parallelism = draw("text", { x: width - PADDING, y: 21, class: "small", "text-anchor": "end" });
    parallelism.textContent = `×${node.parallelism}`;
    const top = lines.length * LINE + 24;
    const rate = draw("text", { x: PADDING + 2, y: top + 4, class: "small" });
    group.append(parallelism, rate);
    const bars = ["busy", "held"].map((kind, index) => {
      const row = top + 19 + index * 16;
      const name = draw("text", { x: PADDING + 2, y: row + 4, class: "small" });
      name.textContent = kind === "busy" ? "busy" : "backpr.";
      const share = draw("text", { x: width - PADDING, y: row + 4, class: "small", "text-anchor": "end" });
      const fill = draw("rect", { class: `fill-${kind}`, x: 62, y: row - 3, width: 0, height: 6, rx: 3 });
      group.append(name, draw("rect", { class: "track", x: 62, y: row - 3, width: width - 62 - 50, height: 6, rx: 3 }), fill, share);
      return { fill, share, width: width - 62 - 50 };
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
    return { group, title, rate, bars };
  }

  update(vertices) {
    this.vertices = vertices;
    if (!this.boxes) return;
    const moving = new Map();
    vertices.forEach((vertex) => {
      const { group, title, rate, bars } = this.boxes.get(vertex.id);
      const live = vertex.live, running = vertex.status === "RUNNING";
      moving.set(vertex.id, running && live["records-out-per-second"] > 0);
      group.dataset.level = level(vertex);
      const shares = `${percent(live.busy)} busy, ${percent(live.backpressured)} backpressured`;
      title.textContent = `${vertex.name} ×${vertex.parallelism}: ${running ? shares : vertex.status.toLowerCase()}`;
      group.setAttribute("aria-label", title.textContent);
      rate.textContent = running
        ? `${count(live["records-in-per-second"])}/s in · ${count(live["records-out-per-second"])}/s out`
        : `${count(vertex.metrics["read-records"])} in · ${count(vertex.metrics["write-records"])} out`;
      [live.busy, live.backpressured].forEach((share, index) => {
        const { fill, share: text, width } = bars[index];
        fill.setAttribute("width", running ? Math.min(1, share) * width : 0);
        text.textContent = running ? percent(share) : "";
      });
    });
    this.flows.forEach((flow, index) => flow.classList.toggle("moving", moving.get(this.edges[index].source) === true));
  }
}

// --- the tasks ---

// So many samples fill a chart at least: of a minute.
const SAMPLES = 30;
const spark = (values, most, below) => {
  // The newest at the right end, however few there are.
  const span = Math.max(SAMPLES, values.length);
  const x = (index) => 100 * (span - values.length + index) / (span - 1);
  const y = (value, index) => (40 - 38 * Math.min(1, (value + (below ? below[index] : 0)) / most)).toFixed(2);
  const upper = values.map((value, index) => `${x(index).toFixed(2)},${y(value, index)}`);
  const lower = values.map((_, index) => `${x(index).toFixed(2)},${below ? y(0, index) : 40}`).reverse();
  return { line: `M${upper.join("L")}`, area: `M${[...upper, ...lower].join("L")}Z` };
};
const chart = (title, drawn, ...values) => {
  const svg = draw("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" }, ...drawn);
  return make("div", { className: "chart" }, make("p", {}, make("span", { textContent: title }), make("span", {}, ...values)), svg);
};

const taskCard = (node, vertex, chosen) => {
  const live = vertex.live, history = live.history;
  const card = make("article", { className: chosen ? "task chosen" : "task", id: `task-${vertex.id}` });
  card.dataset.level = level(vertex);
  const state = vertex.status === "RUNNING" ? "" : `, ${vertex.status.toLowerCase()}`;
  card.append(make("h3", {}, make("span", { textContent: node.operators.map(short).join(" → ") }), make("small", { textContent: `×${vertex.parallelism}${state}` })));
  card.append(make("p", { className: "chain", textContent: node.operators.join(" → ") }));
  const rates = history["records-in-per-second"];
  const rate = spark(rates, Math.max(1, ...rates));
  const busy = spark(history.busy, 1), held = spark(history.backpressured, 1, history.busy);
  const running = vertex.status === "RUNNING";
  card.append(make("div", { className: "charts" },
    chart("Records in, a second", rates.length > 1 ? [draw("path", { class: "area", d: rate.area }), draw("path", { class: "line", d: rate.line })] : [],
      make("b", { textContent: running ? count(live["records-in-per-second"]) : "–" })),
    chart("Busy, backpr.", rates.length > 1 ? [draw("path", { class: "area-busy", d: busy.area }), draw("path", { class: "area-held", d: held.area })] : [],
      ...(running ? [make("b", { className: "busy", textContent: percent(live.busy) }), " ", make("b", { className: "held", textContent: percent(live.backpressured) })] : ["–"]))));
  const strip = make("div", { className: "subtasks" });
  live.subtasks.forEach((subtask) => {
    const cell = make("i", { className: subtask.status === "FINISHED" ? "finished" : "" });
    cell.title = `Subtask ${subtask.subtask + 1}: ${percent(subtask.busy)} busy, ${percent(subtask.backpressured)} backpressured, ${count(subtask["read-records"])} records in`;
    const bar = make("b"), rest = make("u");
    bar.style.width = percent(subtask.busy);
    rest.style.left = percent(subtask.busy);
    rest.style.width = percent(subtask.backpressured);
    cell.append(bar, rest);
    strip.append(cell);
  });
  const numbers = make("p", { className: "numbers" });
  const say = (name, value) => numbers.append(make("span", {}, `${name} `, make("b", { textContent: value })));
  say("in", count(vertex.metrics["read-records"]));
  say("out", count(vertex.metrics["write-records"]));
  if (vertex.metrics["read-bytes"] + vertex.metrics["write-bytes"] > 0) say("bytes", bytes(vertex.metrics["read-bytes"] + vertex.metrics["write-bytes"]));
  if (live.watermark !== null) say("watermark", moment(live.watermark));
  card.append(strip, numbers);
  if (live.progress && live.progress.total > 0) {
    const { done, total, unit } = live.progress, amount = unit === "bytes" ? bytes : count;
    const bar = make("b");
    bar.style.width = `${100 * done / total}%`;
    const left = live["seconds-left"] !== null && running ? `, ${duration(live["seconds-left"] * 1000)} left` : "";
    card.append(make("div", { className: "progress" }, make("div", {}, bar), `${percent(done / total)}: ${amount(done)} of ${amount(total)}${left}`));
  }
  return card;
};

// --- the rest ---

const facts = (job) => {
  const reading = job.vertices.filter((vertex) => !job.plan.nodes.find((node) => node.id === vertex.id).inputs.some((input) => !input.feedback));
  const rate = reading.reduce((sum, vertex) => sum + vertex.live["records-in-per-second"], 0);
  const running = job["end-time"] < 0;
  const shown = [[running ? "Running for" : "Took", duration(job.duration)], ["Records read", count(job.live["records-read"])], ["Records written", count(job.live["records-written"])]];
  if (running) shown.push(["Read a second", count(rate)]);
  if (job.live.restarts) shown.push(["Restarts", String(job.live.restarts)]);
  find("facts").replaceChildren(...shown.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
};

const checkpointTable = (checkpoints) => {
  if (!checkpoints.counts.total) return make("p", { className: "none", textContent: "None so far." });
  const row = (...cells) => make("tr", {}, ...cells);
  const head = row(...["", "State", "Started", "Took", "Size"].map((name) => make("th", { textContent: name, scope: "col" })));
  const rows = checkpoints.history.slice(0, 10).map((each) => {
    const state = each.status.toLowerCase().replace("_", " ");
    const ended = each.status !== "IN_PROGRESS";
    return row(make("td", { textContent: each.is_savepoint ? `${each.id}, a savepoint` : each.id }), make("td", { textContent: state, className: state }),
      make("td", { textContent: moment(each.trigger_timestamp) }), make("td", { textContent: ended ? duration(each.end_to_end_duration) : "" }),
      make("td", { textContent: each.status === "COMPLETED" ? bytes(each.state_size) : "" }));
  });
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
};

const page = { job: null, graph: null, task: null, followed: true, seen: null };

// Nobody is there any more to answer: the process ends with its script.
class Gone extends Error {}

const ask = async (path) => {
  let response, text;
  try {
    response = await fetch(path, { cache: "no-store" });
    text = await response.text();
  } catch {
    throw new Gone(path);
  }
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return JSON.parse(text);
};

const choose = (task) => {
  page.task = task;
  document.querySelectorAll(".task").forEach((card) => card.classList.toggle("chosen", card.id === `task-${task}`));
  find(`task-${task}`).scrollIntoView({ block: "nearest", behavior: "smooth" });
};

const showJobs = (jobs) => {
  const nav = find("jobs");
  nav.hidden = jobs.length < 2;
  nav.replaceChildren(...jobs.map((job) => {
    const button = make("button", { type: "button", textContent: `${job.name} · ${job.state.toLowerCase()}` });
    button.setAttribute("aria-current", String(job.jid === page.job));
    button.addEventListener("click", () => {
      page.followed = job === jobs[jobs.length - 1];
      page.job = job.jid;
      refresh();
    });
    return button;
  }));
};

const showJob = (job, checkpoints) => {
  document.title = `${job.name} – ${job.state.toLowerCase()}`;
  find("name").textContent = job.name;
  find("state").textContent = job.state.toLowerCase();
  find("state").className = `pill ${job.state.toLowerCase()}`;
  facts(job);
  find("job").hidden = false;
  find("failure").hidden = !job.live.error;
  find("error").textContent = job.live.error || "";
  if (!page.graph || page.graph.job !== job.jid) {
    if (page.graph) page.graph.observer.disconnect();
    page.graph = new Graph(find("graph"), job.plan, choose);
    page.graph.job = job.jid;
  }
  page.graph.update(job.vertices);
  const nodes = new Map(job.plan.nodes.map((node) => [node.id, node]));
  find("tasks").replaceChildren(...job.vertices.map((vertex) => taskCard(nodes.get(vertex.id), vertex, vertex.id === page.task)));
  find("checkpoints").replaceChildren(checkpointTable(checkpoints));
};

const notice = (text) => {
  find("notice").textContent = text;
  find("notice").hidden = !text;
};

const refresh = async () => {
  try {
    const { jobs } = await ask("/jobs/overview");
    if (!jobs.length) {
      notice("No job has begun yet.");
      return;
    }
    const latest = jobs[jobs.length - 1].jid;
    if (page.followed || !jobs.some((job) => job.jid === page.job)) page.job = latest;
    const checkpoints = await ask(`/jobs/${page.job}/checkpoints`);
    // Last: a process that ends waits for this question, and for no other.
    const job = await ask(`/jobs/${page.job}`);
    if (job.jid !== page.job) return;
    page.seen = job;
    showJobs(jobs);
    showJob(job, checkpoints);
    notice("");
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
    const when = page.seen ? ` This is how things stood at ${moment(page.seen.now)}.` : "";
    notice(`The process has ended, or cannot be reached.${when}`);
  }
};

const watch = async () => {
  try {
    await refresh();
  } finally {
    setTimeout(watch, document.hidden ? 3000 : 1000);
  }
};
watch();
