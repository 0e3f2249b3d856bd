(() => {
  "use strict";
  const PER_PAGE = 24, NAMED = 3, MANY = 5;
  const $ = (id) => document.getElementById(id);
  const number = (n) => n.toLocaleString("en");
  const make = (tag, props = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const css = (label) => `v-${label === "FAILED" ? "no-verdict" : label.toLowerCase().replaceAll("_", "-")}`;
  const words = (label) => label.toLowerCase().replaceAll("_", " ");

  const unpack = async () => {
    const bytes = Uint8Array.from(atob($("packed").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };

  const begin = (data) => {
    const { labels, pictures, runs, ranks, nodes, texts } = data;
    const embedded = JSON.parse($("pictures").textContent);
    const controls = { run: $("pick-run"), verdict: $("pick-verdict"), status: $("pick-status"), group: $("pick-group") };
    const order = [...pictures.id.keys()];
    let asked = new URLSearchParams(), found = [], hits = new Map(), page = 0, active = false;

    // Rows of each picture, by run.
    const rowsOf = runs.map((run) => {
      const rows = pictures.id.map(() => []);
      run.picture.forEach((picture, row) => rows[picture].push(row));
      return rows;
    });

    // Place of a picture among those with several answers.
    const placeOf = (less) => (less.place ??= new Map(less.picture.map((picture, k) => [picture, k])));

    // ── filters ──────────────────────────────────────────────
    const test = (run) => {
      const tests = [], one = (name) => asked.get(name), all = (name) => asked.getAll(name);
      const among = (name, of) => {
        if (asked.has(name)) { const chosen = new Set(all(name)); tests.push((row) => chosen.has(of(row))); }
      };
      const number = (name, of) => { if (asked.has(name)) tests.push((row) => of[row] === Number(one(name))); };
      const nameless = (row) => (run.flags[row] & 1) !== 0;
      const at = run.at_node ?? [];
      among("run", () => run.name);
      if (one("nameless") === "too") {
        const chosen = new Set(all("verdict"));
        tests.push((row) => nameless(row) || chosen.has(labels[run.label[row]]));
      } else among("verdict", (row) => labels[run.label[row]]);
      if (asked.has("answered")) tests.push((row) => labels[run.label[row]] !== "FAILED");
      if (one("nameless") === "only") tests.push(nameless);
      if (one("nameless") === "without") tests.push((row) => !nameless(row));
      among("truths", (row) => texts[run.truths[row]]);
      if (asked.has("assisted")) tests.push((row) => (run.flags[row] & 2) !== 0);
      among("status", (row) => texts[run.status[row]]);
      among("group", (row) => texts[pictures.group[run.picture[row]]]);
      among("id", (row) => texts[pictures.id[run.picture[row]]]);
      among("parts", (row) => nodes[at[row]]?.[1]);
      number("at", at);
      number("to", run.truth_node ?? []);
      number("said", run.answer_node ?? []);
      if (asked.has("under")) {
        const [first, last] = one("under").split("-").map(Number);
        tests.push((row) => at[row] >= first && at[row] <= last);
      }
      if (asked.has("nowhere")) tests.push((row) => labels[run.label[row]] === "WRONG" && at[row] === -1);
      for (const kind of ["right", "missed", "short"])
        if (asked.has(kind)) {
          const bit = 1 << ranks.indexOf(one(kind));
          tests.push((row) => (run[kind]?.[row] & bit) !== 0);
        }
      if (asked.has("ranked")) {
        const bit = 1 << ranks.indexOf(one("ranked"));
        tests.push((row) => ((run.right?.[row] | run.missed?.[row] | run.short?.[row]) & bit) !== 0);
      }
      const less = run.sampled, place = less ? placeOf(less) : new Map();
      const picture = (name, passes) => {
        if (asked.has(name)) tests.push((row) => place.has(run.picture[row]) && passes(place.get(run.picture[row])));
      };
      const letter = (name, k) => texts[less.said[k]][less.thresholds.indexOf(one(name))];
      picture("sampled", () => true);
      picture("sure", (k) => less.sure[k] >= Number(one("sure")));
      picture("says", (k) => letter("says", k) === "r" || letter("says", k) === "w");
      picture("true", (k) => letter("true", k) === "r");
      picture("reliable", (k) => less.bins[one("reliable")]?.[k] >= 0);
      picture("bin", (k) => less.bins[one("reliable")]?.[k] === Number(one("bin")));
      if (asked.has("score")) tests.push((row) => (run.scores[one("score")]?.[row] ?? null) !== null);
      if (asked.has("truth")) {
        const part = one("truth").toLowerCase();
        tests.push((row) => texts[pictures.truth[run.picture[row]]].toLowerCase().includes(part));
      }
      for (const word of (one("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean)) {
        const has = texts.map((text) => text.toLowerCase().includes(word));
        tests.push((row) => {
          const picture = run.picture[row];
          return has[run.answer[row]] || has[pictures.truth[picture]] || has[pictures.id[picture]] || has[run.taxon[row]] ||
            (run.thoughts.length > 0 && has[run.thoughts[row]]) || run.traces[run.trace[row]].some((step) => has[step]);
        });
      }
      return (row) => tests.every((passes) => passes(row));
    };

    const apply = () => {
      active = [...asked.keys()].length > 0;
      hits = new Map();
      let answers = 0;
      const lowest = new Map(), score = asked.get("score");
      runs.forEach((run, which) => {
        const passes = test(run);
        for (let row = 0; row < run.picture.length; row++) {
          if (!passes(row)) continue;
          const picture = run.picture[row];
          answers++;
          if (!hits.has(picture)) hits.set(picture, new Set());
          hits.get(picture).add(`${which}:${row}`);
          if (score) lowest.set(picture, Math.min(lowest.get(picture) ?? Infinity, run.scores[score][row]));
        }
      });
      found = order.filter((picture) => hits.has(picture));
      if (score) found.sort((a, b) => lowest.get(a) - lowest.get(b));
      page = 0;
      $("shown").textContent = `${number(answers)} answer${answers === 1 ? "" : "s"} to ${number(found.length)} picture${found.length === 1 ? "" : "s"}`;
      $("nothing").hidden = found.length > 0;
      $("clear").hidden = !active;
      fill();
      show();
    };

    // ── what is asked: the address, the controls and the chips say the same ──
    const fill = () => {
      for (const [name, control] of Object.entries(controls)) {
        const chosen = asked.getAll(name);
        control.value = chosen.length === 1 ? chosen[0] : "";
      }
      if (document.activeElement !== $("search")) $("search").value = asked.get("q") ?? "";
      if (document.activeElement !== $("pick-truth")) $("pick-truth").value = asked.get("truth") ?? "";
      $("chips").replaceChildren(...[...new Set(asked.keys())].map(chip).filter(Boolean));
    };
    const percent = (share) => `${Math.round(1000 * share) / 10} %`;
    const node = (id) => nodes[id]?.[0] ?? `taxon ${id}`;
    const rank = (name) => (name.startsWith("level ") ? name : `the ${name}`);
    const said = {
      at: (v) => `parts from the truth at ${node(v)}`, under: (v) => `parts from the truth at or below ${node(v.split("-")[0])}`,
      to: (v) => `truth in ${node(v)}`, said: (v) => `answer in ${node(v)}`, nowhere: () => "wrong, names no taxon",
      parts: (v) => (v === "root" ? "shares only the root" : `shares ${rank(v)}`), right: (v) => `right at ${rank(v)}`, missed: (v) => `wrong at ${rank(v)}`,
      short: (v) => `does not reach ${rank(v)}`, ranked: (v) => `truth has a taxon at ${rank(v)}`,
      nameless: (v) => ({ only: "wrong for want of a name", without: "without the unresolved", too: "with the unresolved" })[v],
      truths: (v) => `truth ${v}`, answered: () => "answered", assisted: () => "the truth chose among namesakes", sampled: () => "with several answers",
      sure: (v) => `at least ${percent(v)} sure`, says: (v) => `says something if ${percent(v)} must agree`,
      true: (v) => `says something true if ${percent(v)} must agree`, reliable: (v) => `named at ${rank(v)}`,
      bin: (v) => `bin ${Number(v) + 1} of confidence`, score: (v) => `by ${v.replaceAll("_", " ")}, lowest first`, id: (v) => `picture ${v}`,
    };
    const chip = (name) => {
      const values = asked.getAll(name);
      if (!(name in said) && (values.length < 2 || !(name in controls))) return null;
      const text = name in said ? said[name](values[0]) : values.length > MANY ? `${values.length} ${name}s` : values.map(words).join(" or ");
      const button = make("button", { type: "button", textContent: `${text} ×`, title: "leave this filter out" });
      button.addEventListener("click", () => { asked.delete(name); go(); });
      return button;
    };
    const go = () => {
      const query = asked.toString();
      history.replaceState(null, "", query ? `#items?${query}` : "#items");
      apply();
    };
    const read = (scroll) => {
      const [place, query] = location.hash.split("?");
      if (place !== "#items") { if (active) { asked = new URLSearchParams(); apply(); } return; }
      asked = new URLSearchParams(query ?? "");
      apply();
      if (scroll) $("items").scrollIntoView({ block: "start" });
    };
    const set = (name, value) => {
      asked.delete(name);
      if (value) asked.set(name, value);
      go();
    };
    const clear = () => { asked = new URLSearchParams(); go(); };

    // ── cards ────────────────────────────────────────────────
    const groupsOf = (which, rows) => {
      const run = runs[which], same = new Map();
      for (const row of rows) {
        const key = `${run.answer[row]}|${run.label[row]}`;
        if (!same.has(key)) same.set(key, { row, rows: [], hit: false });
        same.get(key).rows.push(row);
      }
      const hit = hits.get(run.picture[rows[0]]) ?? new Set();
      for (const one of same.values()) one.hit = one.rows.some((row) => hit.has(`${which}:${row}`));
      return [...same.values()].sort((a, b) => b.hit - a.hit || b.rows.length - a.rows.length);
    };
    const spoken = (run, row) => texts[run.answer[row]] || (labels[run.label[row]] === "FAILED" ? "(failed)" : "(no answer)");
    const dot = (label) => make("i", { className: css(label), title: words(label) });
    const given = (run, one) => make("span", { className: `given${active && !one.hit ? " other" : ""}` }, dot(labels[run.label[one.row]]),
      make("span", { textContent: spoken(run, one.row) }), one.rows.length > 1 ? make("small", { textContent: `×${one.rows.length}` }) : null);
    const strip = (run, rows) => {
      const made = make("span", { className: "strip" });
      made.setAttribute("aria-hidden", "true");
      labels.forEach((label, k) => {
        const share = rows.filter((row) => run.label[row] === k).length / rows.length;
        if (share) { const part = make("i", { className: css(label) }); part.style.width = `${100 * share}%`; made.append(part); }
      });
      return made;
    };
    const why = (picture) => {
      const box = make("div", { className: "why" });
      runs.forEach((run, which) => {
        const rows = rowsOf[which][picture];
        if (!rows.length) return;
        if (runs.length > 1) box.append(make("h4", { textContent: run.name }));
        for (const one of groupsOf(which, rows)) {
          const label = labels[run.label[one.row]], taxon = texts[run.taxon[one.row]], thoughts = run.thoughts.length ? texts[run.thoughts[one.row]] : "";
          const score = asked.get("score"), value = score ? run.scores[score]?.[one.row] : undefined;
          box.append(make("p", { className: "said" }, given(run, one),
            make("small", { textContent: [...new Set([words(label), taxon, texts[run.status[one.row]].toLowerCase(), value === undefined || value === null ? "" : `${score.replaceAll("_", " ")} ${value}`])].filter(Boolean).join(" · ") })));
          box.append(make("ol", { className: "trace" }, ...run.traces[run.trace[one.row]].filter(Boolean).map((step) => make("li", { textContent: texts[step] }))));
          if (thoughts) box.append(make("blockquote", { textContent: thoughts }));
        }
      });
      const file = texts[pictures.file[picture]];
      box.append(make("p", { className: "file" }, make("code", { textContent: texts[pictures.id[picture]] }), file ? ` ${file}` : ""));
      return box;
    };
    const card = (picture) => {
      const truth = texts[pictures.truth[picture]], group = texts[pictures.group[picture]], place = pictures.embedded[picture];
      const answers = make("dl");
      runs.forEach((run, which) => {
        const rows = rowsOf[which][picture];
        if (!rows.length) return;
        const groups = groupsOf(which, rows), more = groups.slice(NAMED).reduce((n, one) => n + one.rows.length, 0);
        if (runs.length > 1) answers.append(make("dt", { textContent: run.name }));
        answers.append(
          make("dd", {}, rows.length > 1 ? strip(run, rows) : null, ...groups.slice(0, NAMED).map((one) => given(run, one)),
            more ? make("small", { className: "more", textContent: `+${more} more` }) : null));
      });
      const details = make("details", {}, make("summary", { textContent: "why" }));
      details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(why(picture)); });
      const made = make("article", { className: `card${place < 0 ? " bare" : ""}`, tabIndex: 0 },
        place < 0 ? null : make("img", { src: embedded[place], alt: "", loading: "eager" }),
        make("div", { className: "truth" }, make("b", { textContent: truth }), make("small", { textContent: texts[pictures.lineage[picture]] }),
          group ? make("span", { className: "tag", textContent: group }) : null),
        answers, details);
      made.setAttribute("aria-label", truth);
      return made;
    };
    const show = () => {
      const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
      page = Math.min(Math.max(0, page), pages - 1);
      $("gallery").replaceChildren(...found.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(card));
      $("pager").hidden = pages < 2;
      $("page").textContent = `page ${number(page + 1)} of ${number(pages)}`;
      $("before").disabled = page === 0;
      $("after").disabled = page === pages - 1;
    };
    const turn = (step) => {
      const was = page;
      page += step;
      show();
      if (page !== was) $("items").scrollIntoView({ block: "start" });
    };

    // ── controls ─────────────────────────────────────────────
    const options = (select, values) => select.append(...values.map(([value, text]) => new Option(text, value)));
    const used = (column) => new Set(runs.flatMap((run) => [...new Set(run[column])]));
    options(controls.run, runs.map((run) => [run.name, run.name]));
    options(controls.verdict, labels.filter((_, k) => used("label").has(k)).map((label) => [label, words(label)]));
    options(controls.status, [...used("status")].filter(Boolean).map((k) => [texts[k], texts[k].toLowerCase()]));
    const groups = [...new Set(pictures.group)].filter(Boolean).map((k) => [texts[k], texts[k]]);
    options(controls.group, groups);
    $("of-group").hidden = groups.length === 0;
    $("truths").append(...[...new Set(pictures.truth)].slice(0, 2000).map((k) => make("option", { value: texts[k] })));
    for (const [name, control] of Object.entries(controls)) control.addEventListener("change", () => set(name, control.value));
    $("search").addEventListener("input", () => set("q", $("search").value.trim()));
    $("pick-truth").addEventListener("input", () => set("truth", $("pick-truth").value.trim()));
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("clear").addEventListener("click", clear);
    $("clear-too").addEventListener("click", clear);
    $("before").addEventListener("click", () => turn(-1));
    $("after").addEventListener("click", () => turn(1));
    addEventListener("hashchange", () => read(true));

    const walk = (step) => {
      const cards = [...$("gallery").children], at = cards.indexOf(document.activeElement?.closest?.(".card"));
      const to = cards[Math.min(cards.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
      to?.focus({ preventScroll: true });
      to?.scrollIntoView({ block: "nearest" });
    };
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.closest?.("input, select"), card = document.activeElement?.closest?.(".card");
      if (event.key === "Escape") { clear(); document.activeElement?.blur?.(); fill(); }
      else if (typing) return;
      else if (event.key === "j") walk(1);
      else if (event.key === "k") walk(-1);
      else if (event.key === "o" && card) card.querySelector("details").open ^= true;
      else if (event.key === "ArrowRight" && (card || event.target === document.body)) turn(1);
      else if (event.key === "ArrowLeft" && (card || event.target === document.body)) turn(-1);
      else if (event.key === "/") { event.preventDefault(); $("search").focus(); $("items").scrollIntoView({ block: "start" }); }
    });
    $("filters").hidden = false;
    apply();
    read(location.hash.startsWith("#items?"));
  };

  const unfold = $("unfold"), forks = () => document.querySelectorAll(".fork .fork");
  if (unfold) {
    unfold.hidden = forks().length === 0;
    unfold.addEventListener("click", () => {
      const open = unfold.textContent === "unfold all";
      for (const fork of forks()) fork.open = open;
      unfold.textContent = open ? "fold all" : "unfold all";
    });
  }
  unpack().then(begin, (error) => {
    $("nothing").textContent = `The answers cannot be unpacked by this browser (${error.message}).`;
    $("nothing").hidden = false;
  });
})();
