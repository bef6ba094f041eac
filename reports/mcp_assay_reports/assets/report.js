"use strict";
// Texts of servers reach the page through textContent alone; nothing here builds markup from strings.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  data.checks = data.checks.map((about) => ({ slug: "", requirement: "", spec: "", link: null, fix: "", ...about }));
  const order = [...new Set(data.checks.map((about) => about.id))];
  const text = (index) => (index === undefined || index < 0 ? null : data.strings[index]);
  const [S, C, TOOL, V, EXPECTED, OBSERVED, REASON, REPRODUCE, NODE, EXCHANGE, MICROSECONDS] = Array(11).keys();
  const SYMBOL = { pass: "pass", fail: "FAIL", warn: "warn", skip: "skip", error: "ERR" };
  const GRAVITY = ["fail", "error", "warn", "pass", "skip"];
  const PAGE = 200;
  const main = document.getElementById("main");
  const detail = document.getElementById("detail");

  const make = (tag, properties = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") node.className = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const link = (target, ...children) => make("a", { href: target }, ...children);
  const chip = (word) => make("span", { class: `chip ${word}` }, word);
  const verdict = (row) => data.verdicts[row[V]];
  const check = (row) => data.checks[row[C]];
  const server = (row) => data.servers[row[S]];
  const duration = (us) => (us < 1000 ? `${us} us` : us < 1e6 ? `${(us / 1e3).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`);
  const subject = (row) => (row[TOOL] >= 0 ? `${server(row).name}: ${text(row[TOOL])}` : server(row).name);

  // ---- filters, shared by the matrix and the list of results
  const form = document.getElementById("filters");
  const field = (name) => form.elements.namedItem(name);
  for (const entry of data.servers) field("server").append(make("option", { value: entry.key }, entry.name));
  const chosen = () => {
    const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set([...form.querySelectorAll("input[name=verdict]:checked")].map((box) => box.value));
    const [wantedServer, category, level] = ["server", "category", "level"].map((name) => field(name).value);
    return (row) => {
      const about = check(row);
      if (!verdicts.has(verdict(row)) || (category && about.category !== category)) return false;
      if ((level && about.level !== level) || (wantedServer && server(row).key !== wantedServer)) return false;
      if (!words.length) return true;
      const haystack = `${about.id} ${about.slug} ${about.requirement} ${subject(row)} ${text(row[OBSERVED]) || ""}`.toLowerCase();
      return words.every((word) => haystack.includes(word));
    };
  };

  // ---- matrix: checks by servers, one cell for all tools
  const gather = (rows) => {
    const cells = new Map();
    for (const row of rows) {
      const name = check(row).id;
      if (!cells.has(name)) cells.set(name, new Map());
      const line = cells.get(name);
      if (!line.has(row[S])) line.set(row[S], []);
      line.get(row[S]).push(row);
    }
    return cells;
  };
  const cell = (name, index, rows) => {
    if (!rows) return make("td", {}, make("span", { class: "none" }, "·"));
    const worst = GRAVITY.find((word) => rows.some((row) => verdict(row) === word));
    const count = rows.filter((row) => verdict(row) === worst).length;
    const label = rows.length > 1 ? `${SYMBOL[worst]} ${count}/${rows.length}` : SYMBOL[worst];
    const anchor = link(`#cell/${encodeURIComponent(name)}/${index}`, label);
    anchor.className = worst;
    anchor.tabIndex = -1;
    anchor.title = `${name} on ${data.servers[index].name}: ${count} of ${rows.length} ${worst}`;
    return make("td", {}, anchor);
  };
  const drawMatrix = () => {
    const rows = data.results.filter(chosen());
    const cells = gather(rows);
    const shown = [...new Set(rows.map((row) => row[S]))].sort((a, b) => a - b);
    const head = make("tr", {}, make("th", { scope: "col" }, "Check"), ...shown.map((index) => make("th", { scope: "col" }, make("span", { title: data.servers[index].name }, data.servers[index].name))));
    const names = [...cells.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    const body = names.map((name) => {
      const about = data.checks.find((entry) => entry.id === name);
      const title = make("th", { scope: "row", title: about.requirement }, make("code", {}, name), ` ${about.slug} `, make("span", { class: "soft" }, about.level));
      return make("tr", {}, title, ...shown.map((index) => cell(name, index, cells.get(name).get(index))));
    });
    const table = make("table", {}, make("caption", {}, `${names.length} checks, ${shown.length} servers, ${rows.length} results; arrow keys move, Enter opens`), make("thead", {}, head), make("tbody", {}, ...body));
    document.getElementById("grid").replaceChildren(table);
    const first = table.querySelector("td a");
    if (first) first.tabIndex = 0;
  };
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  document.getElementById("grid").addEventListener("keydown", (event) => {
    const move = moves[event.key];
    const from = event.target.closest("td");
    if (!move || !from) return;
    event.preventDefault();
    let [line, column] = [from.parentElement, from.cellIndex];
    for (;;) {
      column += move[1];
      if (move[0]) line = move[0] > 0 ? line.nextElementSibling : line.previousElementSibling;
      const next = line && line.cells[column];
      if (!next || next.tagName === "TH") return;
      const anchor = next.querySelector("a");
      if (!anchor) continue;
      event.target.tabIndex = -1;
      anchor.tabIndex = 0;
      anchor.focus();
      return;
    }
  });

  // ---- list of results, a page at a time
  const resultRow = (index) => {
    const row = data.results[index];
    const about = check(row);
    const seen = text(row[OBSERVED]) || text(row[REASON]) || "";
    return make("tr", {}, make("td", {}, chip(verdict(row))), make("th", { scope: "row" }, link(`#result/${index}`, `${about.id} ${about.slug}`)), make("td", {}, about.level), make("td", {}, subject(row)), make("td", {}, seen.length > 200 ? `${seen.slice(0, 200)}…` : seen));
  };
  const listing = (indices, caption) => {
    const body = make("tbody");
    const more = make("button", { type: "button" });
    let shown = 0;
    const extend = () => {
      body.append(...indices.slice(shown, shown + PAGE).map(resultRow));
      shown = Math.min(shown + PAGE, indices.length);
      more.textContent = `Show more (${indices.length - shown} left)`;
      more.hidden = shown >= indices.length;
    };
    more.addEventListener("click", extend);
    extend();
    const titles = ["Verdict", "Check", "Level", "On", "Seen"].map((title) => make("th", { scope: "col" }, title));
    return [make("div", { class: "scroll" }, make("table", { class: "list" }, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...titles)), body)), more];
  };
  const byGravity = (a, b) => GRAVITY.indexOf(verdict(data.results[a])) - GRAVITY.indexOf(verdict(data.results[b])) || a - b;
  const drawResults = () => {
    const wanted = chosen();
    const indices = [...data.results.keys()].filter((index) => wanted(data.results[index])).sort(byGravity);
    document.getElementById("list").replaceChildren(...listing(indices, `${indices.length} results`));
  };

  // ---- pages of one result, one cell, one server
  const pretty = (value) => {
    if (typeof value !== "string") return JSON.stringify(value, null, 2);
    try {
      return JSON.stringify(JSON.parse(value), null, 2);
    } catch {
      return value;
    }
  };
  const exchange = (index) => {
    if (index === undefined || index === -1) return [];
    if (index === -2) return [make("p", { class: "soft" }, "The exchange was left out to keep this file small; the JSON report has it.")];
    let parts;
    try {
      parts = JSON.parse(text(index));
    } catch {
      return [make("h3", {}, "Exchange"), make("pre", { tabindex: "0" }, text(index))];
    }
    return Object.entries(parts).flatMap(([name, value]) => [make("h3", {}, name), make("pre", { tabindex: "0" }, pretty(value))]);
  };
  const copying = (command) => {
    const button = make("button", { type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select and copy by hand";
      }
    });
    return button;
  };
  const definition = (pairs) => make("dl", {}, ...pairs.filter(([, value]) => value !== null && value !== "").flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const resultPage = (index) => {
    const row = data.results[index];
    if (!row) return null;
    const about = check(row);
    const command = text(row[REPRODUCE]);
    return [
      make("h2", {}, `${about.id} ${about.slug} `, chip(verdict(row))),
      definition([
        ["On", link(`#server/${row[S]}`, subject(row))],
        ["Level", about.level],
        ["Requires", about.requirement],
        ["Specification", about.link ? make("a", { href: about.link, rel: "noreferrer noopener" }, about.link) : about.spec],
        ["How to keep it", verdict(row) === "fail" || verdict(row) === "warn" ? about.fix : ""],
        ["Expected", text(row[EXPECTED])],
        ["Observed", text(row[OBSERVED])],
        ["Reason", text(row[REASON])],
        ["Took", duration(row[MICROSECONDS])],
        ["Node id", text(row[NODE]) && make("code", {}, text(row[NODE]))],
      ]),
      ...(command ? [make("h3", {}, "Reproduce"), make("pre", { tabindex: "0" }, command), copying(command)] : []),
      ...exchange(row[EXCHANGE]),
      make("p", {}, link(`#cell/${encodeURIComponent(about.id)}/${row[S]}`, `All results of ${about.id} on ${server(row).name}`)),
    ];
  };
  const cellPage = (name, at) => {
    const indices = [...data.results.keys()].filter((index) => check(data.results[index]).id === name && data.results[index][S] === at);
    if (!indices.length) return null;
    return [make("h2", {}, `${name} on ${data.servers[at].name}`), ...listing(indices.sort(byGravity), check(data.results[indices[0]]).requirement)];
  };
  const serverPage = (at) => {
    const entry = data.servers[at];
    if (!entry) return null;
    const indices = [...data.results.keys()].filter((index) => data.results[index][S] === at).sort(byGravity);
    const tools = entry.tools.map(([name, executed]) => `${text(name)}${executed ? " (called)" : ""}`).join(", ");
    return [
      make("h2", {}, `${entry.name} `, make("span", { class: `chip ${entry.verdict.replace(" ", "-")}` }, entry.verdict)),
      definition([...entry.facts, ["Tools", tools]]),
      ...listing(indices, `${indices.length} results, gravest first`),
    ];
  };

  // ---- trends: cards narrowed by words
  const narrow = document.getElementById("trend-filter");
  if (narrow) {
    const cards = [...document.querySelectorAll(".trend")].map((card) => [card, card.textContent.toLowerCase()]);
    const sift = () => {
      const words = narrow.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [card, held] of cards) card.hidden = !words.every((word) => held.includes(word));
      narrow.querySelector("output").textContent = `${cards.filter(([card]) => !card.hidden).length} of ${cards.length} metrics`;
    };
    narrow.hidden = false;
    narrow.addEventListener("input", sift);
    sift();
  }

  // ---- views: the part of the address behind # says what is shown
  const pages = {
    result: ([index]) => resultPage(Number(index)),
    cell: ([name, at]) => cellPage(decodeURIComponent(name), Number(at)),
    server: ([at]) => serverPage(Number(at)),
  };
  const views = [...main.querySelectorAll("section[data-view]")];
  const draw = { matrix: drawMatrix, results: drawResults };
  const show = (name, current) => {
    for (const view of views) view.hidden = view.dataset.view !== name;
    form.hidden = !Object.hasOwn(draw, name);
    for (const anchor of document.querySelectorAll("nav a")) {
      if (anchor.hash === `#${current}`) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    if (Object.hasOwn(draw, name)) draw[name]();
  };
  const route = () => {
    const [name, ...rest] = location.hash.slice(1).split("/");
    if (name === "main") return;
    const page = Object.hasOwn(pages, name) ? pages[name](rest) : null;
    if (page) {
      detail.replaceChildren(...page);
      show("detail", name === "server" ? "overview" : "results");
      main.focus();
      window.scrollTo(0, 0);
    } else {
      const known = views.some((view) => view.dataset.view === name && name !== "detail");
      show(known ? name : "overview", known ? name : "overview");
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const view = views.find((entry) => !entry.hidden).dataset.view;
    if (Object.hasOwn(draw, view)) draw[view]();
  });
  form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("input"))));
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  window.addEventListener("hashchange", route);
  route();
})();
