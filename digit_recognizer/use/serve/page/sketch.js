// What is on the board now and was before: strokes of points, or a picture file. A state never
// changes; every change makes a new one, so that undo can return to the one before.
//
// A point is {x, y, pressure}, x and y from 0 to 1 across the board, pressure 0.5 if it is not known.

const EMPTY = { strokes: [], picture: null };
const PEN = 0.075; // its width, as a part of the board: as bold as the training digits

export class Sketch {
  #before = [];
  #after = []; // undone, can be redone
  #now = EMPTY;

  get strokes() { return this.#now.strokes; }
  get picture() { return this.#now.picture; }
  get isEmpty() { return !this.strokes.length && !this.picture; }
  get canUndo() { return this.#before.length > 0; }
  get canRedo() { return this.#after.length > 0; }

  begin(point) { this.#become({ strokes: [...this.strokes, [point]], picture: null }); }
  // The stroke that is being drawn grows in place, because undo never returns to half a stroke.
  extend(point) { this.strokes.at(-1).push(point); }
  show(picture) { this.#become({ strokes: [], picture }); }
  clear() { if (!this.isEmpty) this.#become(EMPTY); }
  undo() { this.#move(this.#before, this.#after); }
  redo() { this.#move(this.#after, this.#before); }

  #move(from, to) {
    if (!from.length) return;
    to.push(this.#now);
    this.#now = from.pop();
  }
  #become(next) {
    this.#before.push(this.#now);
    this.#after = [];
    this.#now = next;
  }
}

// Draw the strokes into a square of `side` pixels, in the context's colour.
export function drawStrokes(context, strokes, side) {
  context.lineCap = context.lineJoin = "round";
  context.fillStyle = context.strokeStyle;
  for (const points of strokes) {
    // A touch leaves a dot, but a line without length draws nothing.
    const [first] = points;
    context.beginPath();
    context.arc(side * first.x, side * first.y, widthOf(first, side) / 2, 0, 2 * Math.PI);
    context.fill();
    points.forEach((point, index) => {
      const previous = points[index - 1] ?? point;
      const before = points[index - 2] ?? previous;
      // From middle to middle, with the point between as control point, so that curves are smooth.
      context.lineWidth = widthOf(point, side);
      context.beginPath();
      context.moveTo(side * (before.x + previous.x) / 2, side * (before.y + previous.y) / 2);
      context.quadraticCurveTo(side * previous.x, side * previous.y,
        side * (previous.x + point.x) / 2, side * (previous.y + point.y) / 2);
      if (index === points.length - 1) context.lineTo(side * point.x, side * point.y);
      context.stroke();
    });
  }
}

const widthOf = (point, side) => PEN * side * (0.6 + 0.8 * point.pressure);

// The strokes as a picture file, black on white, with five times the resolution that networks see; more
// would double the time of an answer. The margin has room for strokes that cross the board's edge:
// without it, a dot in a corner would be a speck.
export async function drawPicture(strokes, side = 140, margin = 8) {
  const canvas = new OffscreenCanvas(side + 2 * margin, side + 2 * margin);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.translate(margin, margin);
  context.strokeStyle = "#000";
  drawStrokes(context, strokes, side);
  return canvas.convertToBlob({ type: "image/png" });
}
