// A square on a picture that can be dragged, resized and moved by keys.
//
// A square is [x, y, side]: its centre and side in pixels of the picture.

// limits: {box: [x0, y0, x1, y1] that stays inside, sides: [least, most]}; as avatar/portrait.py.
export function clampSquare([x, y, side], { box, sides: [least, most] }) {
  const size = Math.min(most, Math.max(least, side));
  const margin = 0.02 * size;
  const along = (centre, low, high) => {
    const first = high + margin - size;
    return Math.min(low - margin, Math.max(first, centre - size / 2)) + size / 2;
  };
  return [along(x, box[0], box[2]), along(y, box[1], box[3]), size];
}

const STEP = 0.02; // of the side, for each press of an arrow key
const GROW = 1.05;

// Emits "change" when the user moved or resized it.
export class CropSquare extends EventTarget {
  #element;
  #frame;
  #size = [1, 1]; // of the picture
  #limits = null;
  #square = [0, 0, 1];
  #pointers = new Map(); // id: {x, y} in picture pixels
  #resizes = false;

  constructor(element) {
    super();
    this.#element = element;
    this.#frame = element.parentElement;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) {
      element.addEventListener(type, ({ pointerId }) => this.#pointers.delete(pointerId));
    }
    element.addEventListener("keydown", (event) => this.#key(event));
    this.#frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get square() {
    return this.#square;
  }

  // Size in [0, 1] between the smallest and the largest that is allowed; even steps feel even.
  get share() {
    const [least, most] = this.#limits.sides;
    return most > least ? Math.log(this.#square[2] / least) / Math.log(most / least) : 0;
  }

  set share(share) {
    const [least, most] = this.#limits.sides;
    this.#set([this.#square[0], this.#square[1], least * (most / least) ** share]);
  }

  // Shows a square around a face; size: width and height of the picture.
  show(square, limits, size) {
    this.#limits = limits;
    this.#size = size;
    this.#square = square;
    this.#element.hidden = false;
    this.#place();
  }

  hide() {
    this.#element.hidden = true;
    this.#limits = null;
    this.#pointers.clear();
  }

  #set(wished) {
    if (!this.#limits) return;
    this.#square = clampSquare(wished, this.#limits);
    this.#place();
    this.dispatchEvent(new Event("change"));
  }

  #place() {
    const [[x, y, side], [width, height]] = [this.#square, this.#size];
    const { style } = this.#element;
    style.left = `${(100 * (x - side / 2)) / width}%`;
    style.top = `${(100 * (y - side / 2)) / height}%`;
    style.width = `${(100 * side) / width}%`;
    style.height = `${(100 * side) / height}%`;
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    return { x: ((clientX - left) / width) * this.#size[0], y: ((clientY - top) / height) * this.#size[1] };
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#element.focus({ preventScroll: true });
    this.#element.setPointerCapture(event.pointerId);
    this.#resizes = event.target !== this.#element; // a corner
    this.#pointers.set(event.pointerId, this.#at(event));
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#at(event);
    const [x, y, side] = this.#square;
    if (this.#pointers.size === 2) {
      const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      this.#set([x, y, side * (distance(now, other) / Math.max(1, distance(before, other)))]);
    } else if (this.#resizes) {
      this.#set([x, y, 2 * Math.max(Math.abs(now.x - x), Math.abs(now.y - y))]);
    } else this.#set([x + now.x - before.x, y + now.y - before.y, side]);
    this.#pointers.set(event.pointerId, now);
  }

  #key(event) {
    const [x, y, side] = this.#square;
    const step = side * STEP * (event.shiftKey ? 5 : 1);
    const wished = {
      ArrowLeft: [x - step, y, side], ArrowRight: [x + step, y, side],
      ArrowUp: [x, y - step, side], ArrowDown: [x, y + step, side],
      "+": [x, y, side * GROW], "=": [x, y, side * GROW], "-": [x, y, side / GROW], _: [x, y, side / GROW],
    }[event.key];
    if (!wished || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#set(wished);
  }

  #wheel(event) {
    if (!this.#limits) return;
    event.preventDefault();
    const [x, y, side] = this.#square;
    this.#set([x, y, side * 1.0015 ** event.deltaY]);
  }
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
