"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const packs = new Map();

  // A pack is a JSON list of HTML fragments that this report wrote and escaped itself: gzip, then base64.
  const unpack = (name) => {
    if (!packs.has(name)) packs.set(name, inflate(document.getElementById(name).textContent));
    return packs.get(name);
  };
  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  // --- jobs: rows in the page, and further ones in packs -------------------------------------------------------
  const list = document.getElementById("job-list");
  const form = document.getElementById("job-filter");
  const more = document.getElementById("job-more");
  const detail = document.getElementById("job-detail"); // copies of the rows that were chosen in the grid
  const PAGE = 200;
  let rows = list ? all(":scope > details", list) : [];
  let limit = Math.max(PAGE, rows.length);
  let whole = list ? !list.dataset.packs : true;

  const loadRows = async () => {
    if (whole) return;
    whole = true;
    for (const name of list.dataset.packs.split(" ")) {
      const holder = document.createElement("template");
      holder.innerHTML = (await unpack(name)).join("");
      rows = rows.concat([...holder.content.children]);
    }
  };
  const fill = async (row) => {
    const body = row.querySelector(":scope > .body[data-pack]");
    if (!body) return;
    const { pack, item } = body.dataset;
    delete body.dataset.pack;
    body.innerHTML = (await unpack(pack))[Number(item)];
  };
  const orders = {
    order: (row) => Number(row.dataset.n),
    spread: (row) => -Number(row.dataset.spread),
    differing: (row) => -Number(row.dataset.differing),
    violations: (row) => -Number(row.dataset.violations),
    worst: (row) => (row.dataset.worst === "" ? 2 : Number(row.dataset.worst)),
    slowest: (row) => -Number(row.dataset.makespan),
  };
  const show = async () => {
    const want = new FormData(form);
    const text = String(want.get("text")).trim().toLowerCase();
    const plain = !text && !want.get("h") && !want.get("vram") && !want.get("t") && !want.get("only") && want.get("sort") === "order";
    if (!plain || limit > rows.length) await loadRows();
    const only = want.get("only");
    const hits = rows.filter((row) => {
      const data = row.dataset;
      return (!text || data.job.toLowerCase().includes(text)) && (!want.get("h") || data.h === want.get("h"))
        && (!want.get("vram") || data.vram === want.get("vram")) && (!want.get("t") || data.t === want.get("t"))
        && (!only || (only === "trouble" ? data.trouble === "1" : Number(data[only]) > 0));
    });
    const rank = orders[want.get("sort")];
    hits.sort((a, b) => rank(a) - rank(b) || orders.order(a) - orders.order(b));
    list.replaceChildren(...hits.slice(0, limit));
    const total = Number(list.dataset.total);
    const found = plain && !whole ? total : hits.length;
    document.getElementById("job-count").textContent =
      `${Math.min(limit, found).toLocaleString("en")} of ${found.toLocaleString("en")} shown`;
    more.hidden = found <= limit;
  };
  if (form && list) {
    form.addEventListener("input", () => { limit = PAGE; show(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    more.querySelector("button").addEventListener("click", () => { limit += PAGE; show(); });
    document.getElementById("jobs").addEventListener("toggle", (event) => {
      const row = event.target;
      if (!row.matches("details.job")) return;
      if (row.open) { fill(row); remember(row); }
    }, true);
    show();
  }

  // --- deep links: #job=wb1&mode=lp&h=3&vram=8GB&r=1 ------------------------------------------------------------
  const remember = (row, mode) => {
    const { job, h, vram, r } = row.dataset;
    const parts = new URLSearchParams({ job, h: h.replace(/^h/, ""), vram, r });
    if (mode) parts.set("mode", mode);
    history.replaceState(null, "", `#${parts}`);
  };
  const follow = async () => {
    const want = new URLSearchParams(location.hash.slice(1));
    if (!want.get("job") || !list) return;
    const depth = want.get("h");
    const fits = (row) => row.dataset.job === want.get("job")
      && (!depth || row.dataset.h === depth || row.dataset.h === `h${depth}`)
      && (!want.get("vram") || row.dataset.vram === want.get("vram"))
      && (!want.get("t") || row.dataset.t === want.get("t"))
      && (!want.get("r") || row.dataset.r === want.get("r"));
    if (!rows.some(fits)) await loadRows();
    const hits = rows.filter(fits);
    let [row] = hits;
    if (!row) return;
    if (detail) {
      detail.replaceChildren(...hits.slice(0, PAGE).map((each) => each.cloneNode(true)));
      detail.hidden = false;
      row = detail.firstElementChild;
    } else if (!row.isConnected) list.prepend(row);
    await fill(row);
    const side = want.get("mode") ? all(".side", row).find((each) => each.dataset.mode === want.get("mode")) : null;
    row.open = true;
    (side || row).scrollIntoView({ block: "start" });
    if (side) { side.tabIndex = -1; side.focus({ preventScroll: true }); }
  };
  window.addEventListener("hashchange", follow);
  follow();

  // --- scoreboard: deltas against another mode -----------------------------------------------------------------
  const written = (kind, value, base) => {
    const change = value - base;
    if (Math.abs(change) <= 1e-9 || !kind) return "";
    const signed = (text) => (change > 0 ? `+${text}` : text);
    if (kind === "points") return `${signed((100 * change).toFixed(1))} pts`;
    if (kind === "plain") return signed(String(Number(change.toPrecision(3))));
    if (base === 0) return "";
    const ratio = value / base;
    const short = (many) => (many >= 10 ? Math.round(many).toLocaleString("en") : many.toPrecision(2));
    if (ratio >= 3) return `${short(ratio)} x`;
    if (ratio > 0 && ratio <= 1 / 3) return `1/${short(1 / ratio)}`;
    const percent = (100 * (ratio - 1)).toFixed(0);
    return Number(percent) === 0 ? "" : `${signed(percent)} %`;
  };
  const reference = document.getElementById("reference");
  const first = reference?.value;
  reference?.addEventListener("change", () => {
    for (const board of all(".board")) {
      const cells = all("td[data-metric]", board);
      const base = new Map(cells.filter((cell) => cell.dataset.mode === reference.value)
        .map((cell) => [cell.dataset.metric, cell.dataset.value]));
      for (const cell of cells) {
        const { value, mode, metric, delta, paired } = cell.dataset;
        const plain = cell.querySelector(".delta");
        if (paired !== undefined) { // over other jobs: only the pairs with the first reference were computed
          plain.textContent = reference.value === first ? paired : mode === reference.value ? "" : "over other jobs";
          continue;
        }
        const none = !base.get(metric) || value === "" || mode === reference.value;
        plain.textContent = none ? "" : written(delta, Number(value), Number(base.get(metric)));
      }
      board.querySelector(".against-name").textContent = reference.selectedOptions[0].textContent;
      for (const each of all("[data-reference]", board)) each.hidden = each.dataset.reference !== reference.value;
    }
  });
})();
