// The board: turns pointer and key events into points of a sketch, and draws the sketch.
//
// `changed(isDone)` is called after each change; isDone means that no stroke is being drawn.

import { drawStrokes } from "./sketch.js";

const STEP = 1 / 20; // of the board, for one press of an arrow key
const SMALL_STEP = 1 / 80;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listen(canvas, sketch, { changed, undo, clear, say }) {
  const pen = { x: 0.5, y: 0.2, isDown: false, isShown: false };
  let pointer = null;

  let isPlanned = false;
  // Once a frame, however many points there are.
  function draw() {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      drawBoard(canvas, sketch, pen);
    });
  }
  const tell = (isDone) => { draw(); changed(isDone); };

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
      pressure: event.pointerType === "pen" && event.pressure ? event.pressure : 0.5,
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || !event.isPrimary || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    Object.assign(pen, { isDown: false, isShown: false });
    sketch.begin(pointOf(event));
    tell(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    // A browser sends one event a frame; the points in between are inside the event.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) sketch.extend(pointOf(each));
    tell(false);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      tell(true);
    });
  }

  function lift() {
    if (!pen.isDown) return;
    pen.isDown = false;
    tell(true);
    say("Pen lifted");
  }
  function toggle() {
    if (pen.isDown) return lift();
    pen.isDown = pen.isShown = true;
    sketch.begin({ x: pen.x, y: pen.y, pressure: 0.5 });
    tell(false);
    say("Pen down");
  }
  function move([right, down], step) {
    pen.isShown = true;
    pen.x = Math.min(1, Math.max(0, pen.x + right * step));
    pen.y = Math.min(1, Math.max(0, pen.y + down * step));
    if (!pen.isDown) return draw();
    sketch.extend({ x: pen.x, y: pen.y, pressure: 0.5 });
    tell(false);
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || pointer !== null) return;
    if (event.key in ARROWS) move(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP);
    else if (event.key === " ") event.repeat || toggle();
    else if (event.key === "Escape") lift();
    else if (event.key === "Backspace") undo();
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("focus", () => {
    pen.isShown = canvas.matches(":focus-visible") && pointer === null;
    draw();
  });
  canvas.addEventListener("blur", () => {
    lift();
    pen.isShown = false;
    draw();
  });

  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return {
    // Ends the current stroke, because the sketch was replaced.
    rest() {
      pen.isDown = false;
      pointer = null;
      draw();
    },
  };
}

function drawBoard(canvas, sketch, pen) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, side, side);
  if (sketch.picture?.bitmap) drawWhole(context, sketch.picture.bitmap, side);
  context.strokeStyle = getComputedStyle(canvas).color;
  drawStrokes(context, sketch.strokes, side);
  if (pen.isShown) drawPen(context, pen, side, getComputedStyle(canvas).outlineColor);
}

// As large as possible without cutting anything off.
function drawWhole(context, bitmap, side) {
  const scale = Math.min(side / bitmap.width, side / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
}

function drawPen(context, pen, side, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = side / 120;
  context.beginPath();
  context.arc(side * pen.x, side * pen.y, side * 0.045, 0, 2 * Math.PI);
  context.stroke();
  context.beginPath();
  context.arc(side * pen.x, side * pen.y, side * (pen.isDown ? 0.02 : 0.008), 0, 2 * Math.PI);
  context.fill();
}
