// A card for each task: its rates over the last minutes, its subtasks, and what it has done so far.

// Milliseconds that a chart may span.
const SPANS = [60_000, 120_000, 300_000];
const MOST_TITLES = 6;

const swatch = (kind) => make("i", { className: `swatch ${kind}` });
const valued = (kind, name) => {
  const value = make("b");
  return { value, element: make("span", {}, swatch(kind), `${name} `, value) };
};
// A name that is too long for its line is broken after one of these, if possible.
const breakable = (name) => name.split(/(?<=[_/.:-])/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));
// Each operator's kind and name.
const titled = (operators) => {
  const shown = operators.length <= MOST_TITLES ? operators : [...operators.slice(0, MOST_TITLES - 2), null, operators[operators.length - 1]];
  return shown.flatMap((operator, index) => {
    const { kind, label } = operator === null ? { kind: "", label: `… ${operators.length - MOST_TITLES + 1} more …` } : named(operator);
    const name = make("span", { className: "operator" }, ...(kind ? [make("small", { textContent: kind }), " "] : []), ...breakable(label));
    return index ? [make("span", { className: "arrow", textContent: " → " }), name] : [name];
  });
};

class TaskCard {
  constructor(node, id) {
    this.element = make("article", { className: "task", id: `task-${id}`, tabIndex: -1 });
    this.badge = make("span", { className: "badge" });
    const title = make("h3", { title: node.operators.join(" → ") }, ...titled(node.operators));
    this.in = valued("line-in", "in");
    this.out = valued("line-out", "out");
    this.busy = valued("busy", "busy");
    this.held = valued("backpressured", "backpressured");
    this.rates = new Plot("Records a second");
    this.shares = new Plot("Shares of time, busy and backpressured");
    this.subtasks = new Subtasks(node.parallelism);
    this.numbers = make("dl", { className: "numbers" });
    this.progress = make("div", { className: "progress", hidden: true });
    const chart = (name, plot, ...values) => make("div", { className: "chart" },
      make("p", {}, make("span", { textContent: name }), make("span", { className: "values" }, ...values.map((value) => value.element))), plot.element);
    this.element.append(
      make("header", {}, title, this.badge),
      make("div", { className: "charts" }, chart("Records", this.rates, this.in, this.out), chart("Time", this.shares, this.busy, this.held)),
      this.subtasks.element, this.numbers, this.progress);
  }

  update(vertex, job) {
    const { live } = vertex, running = vertex.status === "RUNNING";
    this.element.dataset.level = level(vertex);
    this.badge.textContent = `×${vertex.parallelism} ${stated(vertex.status)}`;
    this.charts(vertex, job, running);
    this.subtasks.update(live.subtasks, running);
    this.numbers.replaceChildren(...this.figures(vertex, job, running).map(([name, value, kind]) =>
      make("div", { className: kind || "" }, make("dt", { textContent: name }), make("dd", { textContent: value }))));
    this.advance(live, running);
  }

  charts({ live }, job, running) {
    const { history } = live;
    // Both lists end with the newest value, and one of them may have begun later.
    const values = history.busy.length, times = job.live["history-times"].slice(-values || Infinity);
    const span = SPANS.find((each) => !times.length || job.now - times[0] <= each) || SPANS[SPANS.length - 1];
    const from = times.findIndex((time) => job.now - time <= span);
    const kept = (list) => (from < 0 ? [] : list.slice(from));
    const shownTimes = kept(times), xs = shownTimes.map((time) => 1 - (job.now - time) / span);
    const [incoming, outgoing, busy, held] = ["records-in-per-second", "records-out-per-second", "busy", "backpressured"].map((name) => kept(history[name]));
    const points = (lines) => shownTimes.map((time, index) => ({ key: time, x: xs[index], lines: [moment(time), ...lines(index)] }));
    const axis = { start: `${span / 60_000} min ago`, end: job["end-time"] < 0 ? "now" : moment(job.now), empty: "measured every 2 s" };
    const most = roundedUp(Math.max(...incoming, ...outgoing));
    this.rates.show({
      ...axis, top: `${brief(most)}/s`, middle: "",
      points: points((index) => [`in ${perSecond(incoming[index])}`, `out ${perSecond(outgoing[index])}`]),
      drawn: [draw("path", { class: "area-in", d: paths(xs, incoming, most).area }), draw("path", { class: "line", d: paths(xs, incoming, most).line }),
        draw("path", { class: "line-out", d: paths(xs, outgoing, most).line })],
    });
    this.shares.show({
      ...axis, top: "100%", middle: "",
      points: points((index) => [`busy ${percent(busy[index])}`, `backpressured ${percent(held[index])}`, `idle ${percent(Math.max(0, 1 - busy[index] - held[index]))}`]),
      drawn: [draw("path", { class: "area-busy", d: paths(xs, busy, 1).area }), draw("path", { class: "area-held", d: paths(xs, held, 1, busy).area })],
    });
    this.in.value.textContent = running ? perSecond(live["records-in-per-second"]) : "";
    this.out.value.textContent = running ? perSecond(live["records-out-per-second"]) : "";
    this.busy.value.textContent = running ? percent(live.busy) : "";
    this.held.value.textContent = running ? percent(live.backpressured) : "";
  }

  figures({ metrics, live }, job, running) {
    const shown = [["Records in", count(metrics["read-records"])], ["Records out", count(metrics["write-records"])]];
    if (metrics["read-bytes"]) shown.push(["Received", bytes(metrics["read-bytes"])]);
    if (metrics["write-bytes"]) shown.push(["Sent", bytes(metrics["write-bytes"])]);
    if (live.watermark !== null) {
      const behind = running && live.watermark < job.now && isDate(live.watermark) ? `, ${duration(job.now - live.watermark)} behind` : "";
      shown.push(["Watermark", moment(live.watermark) + behind]);
    }
    // A source that has no end may know how far behind it is.
    if (running && live["records-lag"] !== null) shown.push(["Records behind", count(live["records-lag"])]);
    if (late(live)) shown.push(["Late, dropped", count(late(live)), "late"]);
    return shown;
  }

  advance(live, running) {
    this.progress.hidden = !(live.progress && live.progress.total > 0);
    if (this.progress.hidden) return;
    const { done, total, unit } = live.progress, amount = unit === "bytes" ? bytes : count;
    const bar = make("b");
    bar.style.width = `${100 * done / total}%`;
    const left = live["seconds-left"] !== null && running ? `, ${duration(live["seconds-left"] * 1000)} left` : "";
    this.progress.replaceChildren(make("div", {}, bar), `${percent(done / total)}: ${amount(done)} of ${amount(total)}${left}`);
  }
}

// A column for each subtask, and a line of text for the one that is looked at.
class Subtasks {
  constructor(parallelism) {
    this.at = null;
    this.states = [];
    this.told = make("p", { className: "told" });
    this.cells = Array.from({ length: parallelism }, (_, index) => {
      const bar = make("b"), rest = make("u"), sign = make("em");
      const cell = make("button", { type: "button", tabIndex: index ? -1 : 0 }, make("i", {}, bar, rest, sign), make("small", { textContent: index + 1 }));
      cell.addEventListener("mouseenter", () => this.look(index));
      cell.addEventListener("focus", () => this.look(index));
      cell.addEventListener("click", () => this.look(index));
      return { cell, bar, rest, sign };
    });
    this.strip = make("div", { className: "subtasks" }, ...this.cells.map(({ cell }) => cell));
    this.strip.style.setProperty("--count", parallelism);
    this.strip.setAttribute("role", "group");
    this.strip.setAttribute("aria-label", "Subtasks");
    this.strip.addEventListener("keydown", (event) => this.onKey(event));
    this.strip.addEventListener("mouseleave", () => this.strip.contains(document.activeElement) || this.look(null));
    this.strip.addEventListener("focusout", (event) => this.strip.contains(event.relatedTarget) || this.look(null));
    // A single subtask is described by the whole card.
    this.element = make("div", { className: "chart", hidden: parallelism < 2 }, make("p", { textContent: "Subtasks" }), this.strip, this.told);
  }

  // One stop of the Tab key for all of them, and the arrows between them.
  onKey(event) {
    const at = this.cells.findIndex(({ cell }) => cell === event.target), last = this.cells.length - 1;
    const to = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    this.cells.forEach(({ cell }) => { cell.tabIndex = -1; });
    const { cell } = this.cells[Math.max(0, Math.min(last, to))];
    cell.tabIndex = 0;
    cell.focus();
  }

  look(index) {
    this.at = index;
    this.tell();
  }

  update(states, running) {
    this.states = states;
    this.running = running;
    states.forEach((state, index) => {
      const { cell, bar, rest, sign } = this.cells[index], runs = state.status === "RUNNING";
      cell.dataset.state = state.status.toLowerCase();
      bar.style.height = percent(runs ? state.busy : 0);
      rest.style.height = percent(runs ? state.backpressured : 0);
      rest.style.bottom = percent(runs ? state.busy : 0);
      sign.textContent = runs ? "" : SIGNS[state.status] || "";
      cell.setAttribute("aria-label", this.said(state));
    });
    this.tell();
  }

  said(state) {
    const runs = state.status === "RUNNING";
    const parts = runs ? [`${percent(state.busy)} busy`, `${percent(state.backpressured)} backpressured`] : [state.status.toLowerCase()];
    parts.push(`${count(state["read-records"])} in`, `${count(state["write-records"])} out`);
    if (state.queued) parts.push(`${count(state.queued)} queued`);
    if (state.watermark !== null) parts.push(`watermark ${moment(state.watermark)}`);
    if (runs && state["records-lag"] !== null) parts.push(`${count(state["records-lag"])} behind`);
    if (late(state)) parts.push(`${count(late(state))} late`);
    return `Subtask ${state.subtask + 1}: ${parts.join(", ")}`;
  }

  tell() {
    if (!this.states.length) return;
    const running = this.states.filter((state) => state.status === "RUNNING");
    const busiest = running.reduce((one, other) => (one && one.busy >= other.busy ? one : other), null);
    this.cells.forEach(({ cell }, index) => cell.classList.toggle("looked", index === this.at));
    this.told.textContent = this.at !== null ? this.said(this.states[this.at])
      : busiest && busiest.busy > 0 ? `Busiest: subtask ${busiest.subtask + 1}, ${percent(busiest.busy)}` : "";
  }
}
