// Brings the page up to date once a second with what the server says of the job.

// Nobody answers any more: the process ends with its script.
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

// The job that the address names is shown, so that it can be sent to others and found again; else the latest.
const addressed = () => (/^#\/jobs\/([0-9a-f]+)$/.exec(location.hash) || [])[1] || null;
const page = { job: null, shown: null, seen: null };

// --- one job ---

const facts = (job) => {
  const reading = job.vertices.filter((vertex) => !job.plan.nodes.find((node) => node.id === vertex.id).inputs.some((input) => !input.feedback));
  const rate = reading.reduce((sum, vertex) => sum + vertex.live["records-in-per-second"], 0);
  const dropped = late(job.live) || job.vertices.reduce((sum, vertex) => sum + late(vertex.live), 0);
  const running = job["end-time"] < 0;
  const shown = [[running ? "Running for" : "Took", duration(job.duration)], ["Records read", count(job.live["records-read"])], ["Records written", count(job.live["records-written"])]];
  if (running) shown.push(["Read a second", perSecond(rate)]);
  if (job.live.restarts) shown.push(["Restarts", String(job.live.restarts)]);
  if (dropped) shown.push(["Late, dropped", count(dropped)]);
  find("facts").replaceChildren(...shown.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
};

// Made once for a job, and then only brought up to date, so that the focus stays where it is.
class JobView {
  constructor(job) {
    this.id = job.jid;
    const nodes = new Map(job.plan.nodes.map((node) => [node.id, node]));
    this.graph = new Graph(find("graph"), job.plan, (task) => this.choose(task));
    this.cards = new Map(job.vertices.map((vertex) => [vertex.id, new TaskCard(nodes.get(vertex.id), vertex.id)]));
    this.checkpoints = new Checkpoints();
    find("tasks").replaceChildren(...[...this.cards.values()].map((card) => card.element));
    find("checkpoints").replaceChildren(this.checkpoints.element);
  }

  close() {
    this.graph.observer.disconnect();
  }

  choose(task) {
    this.cards.forEach((card, id) => card.element.classList.toggle("chosen", id === task));
    const { element } = this.cards.get(task);
    element.scrollIntoView({ block: "nearest", behavior: "smooth" });
    element.focus({ preventScroll: true });
  }

  update(job, checkpoints) {
    this.graph.update(job.vertices);
    job.vertices.forEach((vertex) => this.cards.get(vertex.id).update(vertex, job));
    this.checkpoints.update(checkpoints, job);
  }
}

const showJob = (job, checkpoints) => {
  document.title = `${job.name} – ${job.state.toLowerCase()}`;
  find("name").textContent = job.name;
  find("state").textContent = stated(job.state);
  find("state").className = `pill ${job.state.toLowerCase()}`;
  facts(job);
  find("job").hidden = false;
  find("failure").hidden = !job.live.error;
  find("failure-title").textContent = job.state === "FAILED" ? "Why it failed" : "Last error";
  find("error").textContent = job.live.error || "";
  if (page.shown === null || page.shown.id !== job.jid) {
    if (page.shown !== null) page.shown.close();
    page.shown = new JobView(job);
  }
  page.shown.update(job, checkpoints);
};

// --- all jobs ---

const showJobs = (jobs) => {
  const nav = find("jobs"), links = new Map([...nav.children].map((link) => [link.dataset.job, link]));
  nav.hidden = jobs.length < 2;
  const made = jobs.map((job) => {
    const link = links.get(job.jid) || make("a", { href: `#/jobs/${job.jid}` });
    link.dataset.job = job.jid;
    link.textContent = `${job.name} · ${stated(job.state)}`;
    link.className = job.state.toLowerCase();
    if (job.jid === page.job) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    return link;
  });
  if (addressed() !== null) made.push(links.get("") || make("a", { href: "#", textContent: "Always the latest", className: "latest" }));
  if (made[made.length - 1].dataset.job === undefined) made[made.length - 1].dataset.job = "";
  if (made.length !== nav.children.length || made.some((link, index) => nav.children[index] !== link)) nav.replaceChildren(...made);
};

const notice = (text) => {
  if (find("notice").textContent !== text) find("notice").textContent = text;
  find("notice").hidden = !text;
};

const refresh = async () => {
  try {
    const { jobs } = await ask("/jobs/overview");
    if (!jobs.length) {
      notice("No job has begun yet.");
      return;
    }
    const wanted = addressed(), known = jobs.some((job) => job.jid === wanted);
    page.job = known ? wanted : jobs[jobs.length - 1].jid;
    const checkpoints = await ask(`/jobs/${page.job}/checkpoints`);
    // Asked last: a process that ends waits for this request, and for no other.
    const job = await ask(`/jobs/${page.job}`);
    if (job.jid !== page.job) return;
    page.seen = job;
    showJobs(jobs);
    showJob(job, checkpoints);
    notice(wanted !== null && !known ? "The address names a job that this process does not know. This is the latest job." : "");
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
    const when = page.seen ? ` This is how things stood at ${moment(page.seen.now)}.` : "";
    notice(`The process has ended, or cannot be reached.${when}`);
  }
};

const watch = async () => {
  const begun = performance.now();
  try {
    await refresh();
  } finally {
    // Slow answers do not delay the next request.
    setTimeout(watch, Math.max(200, (document.hidden ? 3000 : 1000) - (performance.now() - begun)));
  }
};
window.addEventListener("hashchange", () => refresh());
watch();
