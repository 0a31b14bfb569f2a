// Draws payments by the time at which they happened, and small lines of what has just been.

const SPAN = 86400; // seconds of stream time that are in view
const LEFT = 44;
const BOTTOM = 24;
const TOP = 8;
const RIGHT = 10;
const LOWEST = 0.0008;
const LATE = 60;
const NIGHT_END = 7;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Scores over event time. Points enter at the right, or further left by how late they are. */
export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.points = [];
    this.threshold = null;
    this.now = null;
  }

  add(decisions) {
    this.points.push(...decisions);
    if (this.points.length > 12000) this.points.splice(0, this.points.length - 9000);
  }

  draw(now) {
    this.now = now;
    const pen = prepare(this.canvas);
    const { width, height, colours } = pen;
    this.area = { left: LEFT, right: width - RIGHT, top: TOP, bottom: height - BOTTOM };
    this.points = this.points.filter((point) => point.occurred_at > now - SPAN * 1.05);
    this.#nights(pen);
    this.#scale(pen);
    pen.context.save();
    pen.context.beginPath();
    pen.context.rect(LEFT, 0, this.area.right - LEFT + 6, height);
    pen.context.clip();
    this.#tails(pen);
    this.#dots(pen, colours);
    pen.context.restore();
  }

  /** The point nearest to a place on the canvas, within 14 pixels. */
  nearest(x, y) {
    if (this.now === null) return null;
    let best = null;
    let least = 14 * 14;
    for (const point of this.points) {
      const distance = (this.#x(point.occurred_at) - x) ** 2 + (this.#y(point.score) - y) ** 2;
      if (distance < least) {
        least = distance;
        best = point;
      }
    }
    return best;
  }

  #x(at) {
    return this.area.right - ((this.now - at) / SPAN) * (this.area.right - this.area.left);
  }

  #y(score) {
    const share = Math.log(Math.max(score, LOWEST) / LOWEST) / Math.log(1 / LOWEST);
    return this.area.bottom - share * (this.area.bottom - this.area.top);
  }

  #nights({ context, colours, height }) {
    const first = Math.floor((this.now - SPAN) / 86400);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    for (let day = first; day <= first + 1; day += 1) {
      const from = Math.max(this.area.left, this.#x(day * 86400));
      const until = Math.min(this.area.right, this.#x(day * 86400 + NIGHT_END * 3600));
      context.fillStyle = colours.night;
      if (until > from) context.fillRect(from, this.area.top, until - from, this.area.bottom - this.area.top);
      const step = this.area.right < 500 ? 6 : 3;
      for (let hour = 0; hour < 24; hour += step) {
        const x = this.#x(day * 86400 + hour * 3600);
        if (x < this.area.left + 14 || x > this.area.right - 14) continue;
        const weekday = DAYS[new Date(day * 86400000).getUTCDay()];
        context.fillStyle = colours.soft;
        context.fillText(hour ? `${String(hour).padStart(2, "0")}:00` : weekday, x, height - 7);
      }
    }
  }

  #scale({ context, colours }) {
    context.textAlign = "right";
    context.lineWidth = 1;
    for (const [score, text] of [[0.001, "0.1%"], [0.01, "1%"], [0.1, "10%"], [1, "100%"]]) {
      const y = this.#y(score);
      context.strokeStyle = colours.rule;
      line(context, this.area.left, y, this.area.right, y);
      context.fillStyle = colours.soft;
      context.fillText(text, this.area.left - 8, y + (score === 1 ? 8 : 4));
    }
    if (this.threshold === null) return;
    const y = this.#y(this.threshold);
    context.strokeStyle = colours.alert;
    context.setLineDash([5, 4]);
    line(context, this.area.left, y, this.area.right, y);
    context.setLineDash([]);
    context.textAlign = "left";
    context.fillStyle = colours.alert;
    context.fillText("alert from here up", this.area.left + 6, y - 6);
  }

  #tails({ context, colours }) {
    context.strokeStyle = colours.late;
    context.globalAlpha = 0.5;
    context.lineWidth = 1.3;
    for (const point of this.points) {
      if (point.arrived_at - point.occurred_at <= LATE) continue;
      const y = this.#y(point.score);
      line(context, this.#x(point.occurred_at), y, this.#x(Math.min(point.arrived_at, this.now)), y);
    }
    context.globalAlpha = 1;
  }

  #dots({ context }, colours) {
    for (const point of this.points) {
      const x = this.#x(point.occurred_at);
      const y = this.#y(point.score);
      const late = point.arrived_at - point.occurred_at > LATE;
      context.beginPath();
      context.arc(x, y, point.alert ? 4.6 : late ? 3.2 : 2, 0, 7);
      if (point.alert) {
        context.fillStyle = colours.alert;
        context.fill();
      } else if (!late) {
        context.globalAlpha = 0.62;
        context.fillStyle = colours.dot;
        context.fill();
        context.globalAlpha = 1;
      }
      if (late) {
        context.lineWidth = 1.7;
        context.strokeStyle = colours.late;
        if (!point.alert) {
          context.fillStyle = colours.sheet;
          context.fill();
        }
        context.stroke();
      }
    }
  }
}

/** A line of the last values on a small canvas. */
export function spark(canvas, values, colour) {
  const { context, width, height, colours } = prepare(canvas);
  const top = Math.max(...values, 1);
  context.strokeStyle = colours[colour];
  context.lineWidth = 1.8;
  context.lineJoin = "round";
  context.beginPath();
  values.forEach((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * (width - 2) + 1;
    const y = height - 2 - (value / top) * (height - 5);
    if (index) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.stroke();
}

/** A hash as a strip of 32 bars, one a byte: two strips are compared at a glance. */
export function bars(canvas, hash) {
  const { context, width, height, colours } = prepare(canvas);
  const bytes = hash.match(/../g) ?? [];
  const step = width / 32;
  bytes.forEach((byte, index) => {
    const value = parseInt(byte, 16) / 255;
    context.globalAlpha = 0.25 + 0.75 * value;
    context.fillStyle = colours.dot;
    context.fillRect(index * step, height * (1 - value) * 0.75, Math.max(1, step - 1.5), height);
  });
  context.globalAlpha = 1;
}

function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, colours: palette() };
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["dot", "late", "alert", "rule", "soft", "night", "sheet"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
