// Shows answers as bars, words and small pictures.

const FOR = [86, 180, 233];
const AGAINST = [230, 159, 0];

const find = (id) => document.getElementById(id);
const percent = (part) => (100 * part).toFixed(1);

const bars = Array.from({ length: 10 }, (_, digit) => makeBar(digit));

function makeBar(digit) {
  const bar = document.createElement("label");
  bar.className = "bar";
  const input = Object.assign(document.createElement("input"), {
    type: "radio", name: "explained", value: digit, disabled: true,
  });
  const part = (name, text = "") => Object.assign(document.createElement("span"), { className: name, textContent: text });
  const track = part("track");
  track.append(part("fill"));
  const share = part("percent");
  share.append(part("value", "–"), part("unit", " %"));
  bar.append(input, part("digit", String(digit)), track, share);
  find("bars").append(bar);
  return bar;
}

export function onChoice(chosen) {
  find("bars").addEventListener("change", (event) => chosen(Number(event.target.value)));
}

export function showAnswer({ digit, runner_up: next, probabilities, pixels, milliseconds }) {
  document.body.classList.remove("idle");
  bars.forEach((bar, each) => {
    bar.classList.toggle("winner", each === digit);
    bar.querySelector("input").disabled = false;
    bar.querySelector("input").checked = each === digit;
    setPart(bar, probabilities[each], percent(probabilities[each]));
  });
  find("winner").textContent = digit;
  find("words").textContent =
    `${percent(probabilities[digit])} % sure, next is ${next} with ${percent(probabilities[next])} %; ` +
    `in ${milliseconds.toFixed(0)} ms`;
  paint(find("seen"), pixels, (ink) => [ink, ink, ink]);
  describe("seen", `What the networks see: the digit as 28 by 28 pixels`);
}

export function speak({ digit, runner_up: next, probabilities }) {
  find("spoken").textContent =
    `${digit}, ${percent(probabilities[digit])} percent. Next is ${next}, ${percent(probabilities[next])} percent.`;
}

export function showSaliency({ digit, saliency }, pixels) {
  const strongest = Math.max(...saliency.flat().map(Math.abs)) || 1;
  paint(find("why"), pixels, (ink, row, column) => {
    const weight = saliency[row][column] / strongest;
    const hue = weight > 0 ? FOR : AGAINST;
    const share = Math.abs(weight) ** 0.6; // without this, weak values would look black
    return hue.map((value) => 0.3 * ink * (1 - share) + value * share);
  });
  find("explained").textContent = `a ${digit}`;
  describe("why", `Which ink decided: strongest for a ${digit} ${placeOf(saliency)}`);
}

export function hideSaliency() {
  wipe(find("why"));
  describe("why", "Which ink decided: nothing yet");
}

export function showNothing() {
  document.body.classList.add("idle");
  for (const bar of bars) {
    bar.classList.remove("winner");
    Object.assign(bar.querySelector("input"), { disabled: true, checked: false });
    setPart(bar, 0, "–");
  }
  find("winner").textContent = "?";
  find("words").textContent = "Nothing drawn yet";
  find("spoken").textContent = "";
  find("explained").textContent = "the digit";
  wipe(find("seen"));
  describe("seen", "What the networks see: nothing yet");
  hideSaliency();
}

export function showModel({ label, networks, oof_score: score, limits }) {
  const parts = [label, networks && `${networks} networks`, score && `${score} out of fold`];
  find("model").textContent = parts.filter(Boolean).join(", ");
  find("limits").textContent = limits ?? "";
}

// A note of kind "problem" or "passing" stays until the next answer, a plain one until the next note.
export function note(text, kind = "") {
  find("note").textContent = text;
  find("note").className = `note ${kind}`;
}

export function noteAnswer(notice) {
  if (notice) note(notice, "passing");
  else if (find("note").matches(".problem, .passing")) note("");
}

function setPart(bar, part, text) {
  bar.style.setProperty("--part", part);
  bar.querySelector(".value").textContent = text;
}

function describe(id, text) {
  find(id).setAttribute("aria-label", text);
}

function paint(canvas, pixels, colour) {
  const image = new ImageData(28, 28);
  pixels.forEach((line, row) => line.forEach((ink, column) => {
    image.data.set([...colour(ink, row, column), 255], 4 * (28 * row + column));
  }));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function wipe(canvas) {
  canvas.getContext("2d").clearRect(0, 0, 28, 28);
}

// In words, where most of the ink for the digit is.
function placeOf(saliency) {
  let [sum, down, right] = [0, 0, 0];
  saliency.forEach((line, row) => line.forEach((value, column) => {
    if (value <= 0) return;
    sum += value;
    down += value * row;
    right += value * column;
  }));
  if (!sum) return "nowhere";
  const name = (mean, low, high) => (mean < 11 ? low : mean > 16 ? high : "");
  const place = [name(down / sum, "top", "bottom"), name(right / sum, "left", "right")];
  return `at the ${place.filter(Boolean).join(" ") || "middle"}`;
}
