(() => {
  const gallery = document.querySelector("#gallery");
  if (!gallery) return;
  const cards = [...gallery.querySelectorAll(".card")];
  const pick = Object.fromEntries(["run", "verdict", "group"].map((n) => [n, document.querySelector(`#pick-${n}`)]));
  const shown = document.querySelector("#shown");
  const apply = () => {
    let count = 0;
    for (const card of cards) {
      const verdicts = JSON.parse(card.dataset.verdicts);
      const fits =
        (!pick.group || !pick.group.value || card.dataset.group === pick.group.value) &&
        (!pick.verdict.value || verdicts[pick.run.value] === pick.verdict.value);
      card.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${cards.length} pictures`;
  };
  for (const select of Object.values(pick)) select?.addEventListener("change", apply);
  document.querySelector("#filters").hidden = false;
  apply();
})();
