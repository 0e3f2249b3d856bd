(() => {
  const $ = (id) => document.getElementById(id);
  const samples = [...document.querySelectorAll(".sample")];
  const words = samples.map((s) => `${s.textContent} ${s.dataset.class}`.toLowerCase().replace(/\s+/g, " "));
  const pick = { outcome: $("pick-outcome"), filter: $("pick-filter"), class: $("pick-class") };
  const bars = [...document.querySelectorAll(".bar")];
  const value = (name) => pick[name]?.value || "";

  const apply = () => {
    const asked = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    samples.forEach((sample, i) => {
      const fits =
        (!value("outcome") || sample.dataset.outcome === value("outcome")) &&
        (!value("filter") || sample.dataset.filters.split(" ").includes(value("filter"))) &&
        (!value("class") || sample.dataset.class === value("class")) &&
        asked.every((word) => words[i].includes(word));
      sample.hidden = !fits;
      count += fits;
    });
    for (const bar of bars) bar.setAttribute("aria-pressed", String(bar.dataset.filter === value("filter")));
    $("count").textContent = `${count.toLocaleString("en")} of ${samples.length.toLocaleString("en")}`;
    $("none").hidden = count > 0;
    $("clear").hidden = !asked.length && !value("outcome") && !value("filter") && !value("class");
  };
  const clear = () => {
    for (const select of Object.values(pick)) if (select) select.value = "";
    $("search").value = "";
    apply();
  };

  const shown = () => samples.filter((s) => !s.hidden);
  const here = () => document.activeElement?.closest?.(".sample");
  const go = (step) => {
    const all = shown();
    if (!all.length) return;
    const at = all.indexOf(here());
    const beside = all.findIndex((s) => s.getBoundingClientRect().bottom > 140);
    const to = at < 0 ? Math.max(0, step > 0 ? beside : beside - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    all[to].focus({ preventScroll: true });
    all[to].scrollIntoView({ block: "start" });
  };

  for (const select of Object.values(pick)) select?.addEventListener("change", apply);
  $("search").addEventListener("input", apply);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", clear);
  $("clear-too").addEventListener("click", clear);
  for (const bar of bars)
    bar.addEventListener("click", () => {
      pick.filter.value = value("filter") === bar.dataset.filter ? "" : bar.dataset.filter;
      apply();
      $("samples").scrollIntoView({ block: "start" });
    });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, select");
    if (event.key === "Escape") {
      clear();
      document.activeElement?.blur?.();
    } else if (typing) return;
    else if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "o") {
      const before = here()?.querySelector(".before");
      if (before) before.open = !before.open;
    } else if (event.key === "/") {
      event.preventDefault();
      $("search").focus();
    }
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".before:not([open])")];
    for (const before of opened) before.open = true;
  });
  addEventListener("afterprint", () => {
    for (const before of opened) before.open = false;
  });
  $("filters").hidden = false;
  apply();
})();
