// The page: asks for a prediction during drawing, and for an explanation when the pen rests.

import { asker, post } from "./ask.js";
import { listen } from "./board.js";
import { listenForFiles } from "./files.js";
import * as show from "./show.js";
import { Sketch, drawPicture } from "./sketch.js";

const find = (id) => document.getElementById(id);
const sketch = new Sketch();
let isResting = true; // no stroke is being drawn
let pixels = null; // of the shown answer

const askWhy = asker(
  (signal, seen, digit) =>
    post("/api/saliency", "application/json", JSON.stringify({ pixels: seen, digit }), signal),
  (answer, isLast, seen) => show.showSaliency(answer, seen),
  // The shown answer is still right.
  (error) => show.note(error.message, "problem"),
);

const askWhat = asker(
  async (signal) => {
    const file = sketch.picture?.file ?? (await drawPicture(sketch.strokes));
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    return post("/api/picture", type, file, signal);
  },
  (answer, isLast) => {
    pixels = answer.pixels;
    show.showAnswer(answer);
    const isDone = isResting && isLast;
    show.noteAnswer(isDone && answer.notice);
    if (!isDone) return;
    show.speak(answer);
    askWhy(pixels, answer.digit);
  },
  fail,
);

function changed(isDone) {
  isResting = isDone;
  find("undo").disabled = !sketch.canUndo;
  find("redo").disabled = !sketch.canRedo;
  find("clear").disabled = sketch.isEmpty;
  document.body.classList.toggle("drawn", !sketch.isEmpty);
  askWhy.forget();
  show.hideSaliency();
  if (sketch.isEmpty) {
    askWhat.forget();
    show.showNothing();
  } else {
    askWhat();
  }
}

function fail(error) {
  askWhy.forget();
  show.showNothing();
  show.note(error.message, "problem");
}

function goBack() {
  if (!sketch.canUndo) return;
  sketch.undo();
  restart();
}

function goForth() {
  if (!sketch.canRedo) return;
  sketch.redo();
  restart();
}

function clear() {
  sketch.clear();
  restart();
}

// Requests about the earlier sketch say nothing about this one.
function restart() {
  show.note("");
  askWhat.forget();
  board.rest();
  changed(true);
}

const board = listen(find("board"), sketch, { changed, undo: goBack, clear, say: show.note });
listenForFiles({
  input: find("file"),
  frame: find("frame"),
  take(picture) {
    sketch.show(picture);
    restart();
    if (!picture.bitmap) show.note(`Your browser cannot show ${picture.file.name}. The server will try to read it.`, "passing");
  },
  refuse: (text) => show.note(text, "problem"),
});
show.onChoice((digit) => {
  askWhy.forget();
  askWhy(pixels, digit);
});
find("undo").addEventListener("click", goBack);
find("clear").addEventListener("click", clear);
find("redo").addEventListener("click", goForth);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase(); // Caps Lock makes letters upper case
  if (key === "z" && !event.shiftKey) goBack();
  else if (key === "y" || key === "z") goForth();
  else return;
  event.preventDefault();
});

show.showNothing();
const model = await (await fetch("/api/model")).json();
show.showModel(model);
