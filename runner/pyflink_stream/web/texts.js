// Numbers, times and names as people read them, and the elements that hold them.

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

// --- numbers ---

const count = (number) => {
  for (const unit of ["", "k", "M", "G", "T"]) {
    if (number < 999.5) return unit && number < 99.95 ? number.toPrecision(3) + unit : Math.round(number) + unit;
    number /= 1000;
  }
  return Math.round(number) + "P";
};
const perSecond = (number) => `${number > 0 && number < 9.95 ? Number(number.toFixed(1)) : count(number)}/s`;
const bytes = (number) => {
  const text = count(number);
  return /[0-9]$/.test(text) ? `${text} B` : `${text.slice(0, -1)} ${text.slice(-1)}B`;
};
const percent = (share) => `${Math.round(share * 100)}%`;
// The least of 1, 2, 5, 10, 20 ... that is not less: the end of a chart's scale.
const roundedUp = (number) => {
  const unit = 10 ** Math.floor(Math.log10(Math.max(number, 1)));
  return unit * [1, 2, 5, 10].find((factor) => factor * unit >= number);
};
// For the labels of a scale: 2k, not 2.00k.
const brief = (number) => count(number).replace(/\.?0+(?=[a-zA-Z])/, (zeros) => (zeros.startsWith(".") ? "" : zeros));

// --- times ---

const duration = (milliseconds) => {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 10) return `${(milliseconds / 1000).toFixed(1)} s`;
  const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const named = parts.map((part, index) => [part, "dhms"[index]]);
  const first = named.findIndex(([part]) => part > 0);
  return named.slice(first, first + 2).map(([part, unit]) => `${part} ${unit}`).join(" ");
};
// For settings: 5 s, not 5.0 s; 1 m, not 1 m 0 s.
const rounded = (milliseconds) => duration(milliseconds).replace(/\.0(?= s$)|(?<= [dhm]) 0 [hms]$/, "");
const isDate = (milliseconds) => {
  const date = new Date(milliseconds);
  return !Number.isNaN(date.getTime()) && date.getFullYear() >= 1980;
};
const moment = (milliseconds) => {
  if (milliseconds >= Number.MAX_SAFE_INTEGER) return "end";
  if (!isDate(milliseconds)) return String(milliseconds);
  const date = new Date(milliseconds);
  return date.toDateString() === new Date().toDateString() ? date.toLocaleTimeString() : date.toLocaleString();
};

// --- operators and states ---

// "Flat Map: Tokenizer" is a Flat Map called Tokenizer. A lambda has no name.
const named = (operator) => {
  const [, kind, label] = /^(.*?): (.*)$/s.exec(operator) || [null, "", operator];
  return label.startsWith("<") && kind ? { kind: "", label: kind } : { kind, label };
};
// Shapes, as not everybody can tell the colours apart.
const SIGNS = { RUNNING: "▸", FINISHED: "✓", FAILED: "✕", CANCELED: "■", RESTARTING: "↻", CREATED: "○" };
const stated = (state) => `${SIGNS[state] || "○"} ${state.toLowerCase()}`;
const level = (vertex) => {
  const live = vertex.live;
  if (vertex.status !== "RUNNING") return ["FINISHED", "FAILED", "CANCELED"].includes(vertex.status) ? vertex.status.toLowerCase() : "idle";
  if (live.backpressured >= 0.1 && live.backpressured > live.busy) return live.backpressured >= 0.5 ? "backpressured" : "held";
  if (live.busy >= 0.85) return "hot";
  return live.busy >= 0.5 ? "busy" : live.busy >= 0.05 ? "low" : "idle";
};
const late = (live) => live.numLateRecordsDropped || 0;
