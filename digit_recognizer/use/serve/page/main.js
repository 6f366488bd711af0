// The page: what is drawn is asked about at once, and why as soon as the pen rests.

import { asker, post } from "./ask.js";
import { listen } from "./board.js";
import { listenForFiles } from "./files.js";
import * as show from "./show.js";
import { Sketch, drawPicture } from "./sketch.js";

const find = (id) => document.getElementById(id);
const sketch = new Sketch();
let isResting = true; // no stroke is being drawn
let pixels = null; // of the answer that is shown

const askWhy = asker(
  (seen, digit) => post("/api/saliency", "application/json", JSON.stringify({ pixels: seen, digit })),
  (answer, isLast, seen) => show.showSaliency(answer, seen),
  fail,
);

const askWhat = asker(
  async () => {
    const file = sketch.picture?.file ?? (await drawPicture(sketch.strokes));
    const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
    return post("/api/picture", type, file);
  },
  (answer, isLast) => {
    pixels = answer.pixels;
    show.showAnswer(answer);
    show.forgetProblem();
    if (!isResting || !isLast) return;
    show.speak(answer);
    askWhy(pixels, answer.digit);
  },
  fail,
);

function changed(isDone) {
  isResting = isDone;
  find("undo").disabled = !sketch.canUndo;
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
  askWhat.forget();
  askWhy.forget();
  show.showNothing();
  show.note(error.message, true);
}

function goBack() {
  sketch.undo();
  restart();
}

function clear() {
  sketch.clear();
  restart();
}

// What was asked about the sketch before says nothing about this one.
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
    if (!picture.bitmap) show.note(`${picture.file.name} cannot be shown here; the server may read it.`);
  },
  refuse: (text) => show.note(text, true),
});
show.onChoice((digit) => {
  askWhy.forget();
  askWhy(pixels, digit);
});
find("undo").addEventListener("click", goBack);
find("clear").addEventListener("click", clear);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && sketch.canUndo) {
    event.preventDefault();
    goBack();
  }
});

show.showNothing();
const model = await (await fetch("/api/model")).json();
show.showModel(model);
