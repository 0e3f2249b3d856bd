"use strict";

const at = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(share * 100)} %`;
let asked = 0;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show(id, text) {
  at(id).textContent = text;
  at(id).hidden = !text;
}

function headers() {
  const key = at("key").value;
  return key ? { Authorization: `Bearer ${key}` } : {};
}

function preview(file) {
  const image = at("preview");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.alt = file.name || "the picture";
  image.hidden = false;
  at("hint").hidden = true;
  at("drop").classList.add("full");
}

async function classify(file) {
  const mine = ++asked;
  preview(file);
  at("result").hidden = false;
  at("result").setAttribute("aria-busy", "true");
  show("error", "");
  const form = new FormData();
  form.append("image", file, file.name || "picture");
  let found;
  try {
    const reply = await fetch("v1/classify", { method: "POST", body: form, headers: headers() });
    found = await reply.json();
    if (reply.status === 401) at("key-box").open = true;
  } catch {
    found = { error: { message: "The server does not answer." } };
  }
  if (mine !== asked) return; // another picture came meanwhile
  if (found.error) fail(found.error.message);
  else tell(found);
}

function fail(message) {
  at("result").hidden = false;
  at("result").setAttribute("aria-busy", "false");
  at("answer-box").hidden = true;
  show("error", message);
}

function tell(found) {
  const taxon = found.taxon;
  at("result").setAttribute("aria-busy", "false");
  at("answer-box").hidden = false;
  show("rank", taxon ? taxon.rank || "taxon" : "no answer");
  show("answer", taxon ? taxon.name : "It cannot say");
  show("promise", promise(found));
  lineage(found);
  show("rationale", found.rationale || "");
  others(found);
  show("timing", `${(found.timing.total_ms / 1000).toFixed(1)} s`);
}

function promise(found) {
  const { policy, samples } = found;
  if (found.abstained) return `The ${samples.asked} answers agree on nothing that can be vouched for.`;
  if (policy.calibrated) {
    const sure = percent(1 - policy.delta);
    return `Of what is said with this policy, at most ${percent(policy.risk)} is wrong: ${sure} sure.`;
  }
  return `At least ${percent(policy.threshold)} of ${samples.asked} answers say this; no more is promised.`;
}

function lineage(found) {
  const said = found.lineage.findIndex((taxon) => found.taxon && taxon.id === found.taxon.id);
  const items = found.lineage.map((taxon, place) => {
    const item = element("li", undefined, place > said ? "beyond" : place === said ? "said" : "");
    item.style.setProperty("--step", place);
    const line = element("div", undefined, "line");
    line.append(element("span", taxon.name, "name"), element("span", taxon.rank || "", "of"));
    line.append(element("span", percent(taxon.confidence), "share"));
    const bar = element("meter");
    bar.value = taxon.confidence;
    bar.setAttribute("aria-label", `confidence in ${taxon.name}`);
    item.append(line, bar);
    return item;
  });
  at("lineage").replaceChildren(...items);
}

function others(found) {
  const { samples } = found;
  at("others").hidden = false;
  const named = found.candidates.map((taxon) => element("li", `${taxon.name} – ${percent(taxon.confidence)}`));
  at("candidates").replaceChildren(...named);
  const rest = ["unresolved", "refused", "unparsed"].filter((kind) => samples[kind]);
  const words = { unresolved: "not in the taxonomy", refused: "refused", unparsed: "unreadable" };
  show("samples", rest.map((kind) => `${samples[kind]} ${words[kind]}`).join(", "));
}

function take(files) {
  const file = [...files].find((one) => one.type.startsWith("image/"));
  if (file) classify(file);
  else if (files.length) {
    asked++; // an answer under way is not of this
    fail("That is no picture.");
  }
}

at("file").addEventListener("change", (event) => take(event.target.files));
addEventListener("paste", (event) => take(event.clipboardData.files));
addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
addEventListener("dragleave", () => at("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
at("key").value = sessionStorage.getItem("key") || "";
at("key").addEventListener("change", () => sessionStorage.setItem("key", at("key").value));
