// The last checkpoints: how long each took, as a chart, and the newest as a table.

const ROWS = 5;
const size = (checkpoint) => (checkpoint.status === "COMPLETED" ? bytes(checkpoint.state_size) : "");
const took = (checkpoint) => (checkpoint.status === "IN_PROGRESS" ? "" : duration(checkpoint.end_to_end_duration));
const outcome = (checkpoint) => checkpoint.status.toLowerCase().replace("_", " ");
const CHECKPOINT_SIGNS = { IN_PROGRESS: "▸", COMPLETED: "✓", FAILED: "✕" };

class Checkpoints {
  constructor() {
    this.plot = new Plot("Durations of the last checkpoints");
    this.summary = make("p", { className: "none" });
    this.table = make("table");
    this.chart = make("div", { className: "chart" }, make("p", {}, make("span", { textContent: "Duration of the last checkpoints" }),
      make("span", { className: "values" }, make("span", {}, swatch("completed"), "✓ completed"), make("span", {}, swatch("aborted"), "✕ failed"))), this.plot.element);
    this.body = make("div", { className: "checkpoints" }, this.chart, make("div", { className: "sheet" }, this.table));
    this.element = make("div", {}, this.summary, this.body);
  }

  update(checkpoints, job) {
    const { counts, history } = checkpoints, interval = job.live["checkpoint-interval"];
    this.body.hidden = !counts.total;
    const every = interval ? `One every ${rounded(interval)}` : "Not enabled";
    const numbers = [`${counts.completed} completed`, ...(counts.failed ? [`${counts.failed} failed`] : []), ...(counts.in_progress ? ["one in progress"] : [])];
    this.summary.textContent = counts.total ? `${interval ? every : "Savepoints only"}: ${numbers.join(", ")}.` : interval ? `${every}. None so far.` : `${every}.`;
    if (!counts.total) return;
    this.bars([...history].reverse());
    this.rows(history.slice(0, ROWS));
  }

  bars(ended) {
    const most = roundedUp(Math.max(...ended.map((each) => each.end_to_end_duration)));
    // The newest at the right, however few there are.
    const places = Math.max(20, ended.length), wide = WIDE / places;
    const x = (index) => (places - ended.length + index) * wide;
    this.plot.show({
      points: ended.map((each, index) => ({
        key: each.id, x: (x(index) + wide / 2) / WIDE,
        lines: [`${each.is_savepoint ? "savepoint" : "checkpoint"} ${each.id}, ${outcome(each)}`, moment(each.trigger_timestamp), [took(each), size(each)].filter(Boolean).join(", ")].filter(Boolean),
      })),
      drawn: ended.map((each, index) => {
        const height = each.status === "IN_PROGRESS" ? 3 : Math.max(2, (HIGH - 1) * each.end_to_end_duration / most);
        return draw("rect", { class: `took ${each.status.toLowerCase()}`, x: x(index) + wide * 0.15, y: HIGH - height, width: wide * 0.7, height });
      }),
      top: rounded(most), middle: "", start: "", end: ended.length > 1 ? `${ended[0].id} to ${ended[ended.length - 1].id}` : String(ended[0].id), empty: "",
    });
  }

  rows(shown) {
    const row = (...cells) => make("tr", {}, ...cells);
    const head = row(...["", "State", "Started", "Took", "Size"].map((name) => make("th", { textContent: name, scope: "col" })));
    const rows = shown.map((each) => row(make("td", { textContent: each.is_savepoint ? `${each.id}, a savepoint` : each.id }),
      make("td", { textContent: `${CHECKPOINT_SIGNS[each.status]} ${outcome(each)}`, className: outcome(each) }),
      make("td", { textContent: moment(each.trigger_timestamp) }), make("td", { textContent: took(each) }), make("td", { textContent: size(each) })));
    this.table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }
}
