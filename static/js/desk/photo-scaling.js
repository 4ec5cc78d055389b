/** Makes photos smaller before they are sent: at most 2,560 px, JPEG, upright. */

const LONGEST_PX = 2_560;
const TALL = 3; // times as high as wide: a screenshot, in which words must stay words
const TALL_WIDTH_PX = 1_080;
const THUMB_PX = 320;
const HEAD_BYTES = 262_144;
const GIF_FRAME = /\0!\xF9\x04[^]{4}\0[!,]/; // a graphic control extension, and what follows it
const QUALITY = 0.85;
const SMALL_BYTES = 600_000; // a photo that is small both ways travels as it is
const PATIENCE_MS = 15_000;

const underWay = new Map(); // promises, by the keys of photos that are being worked on

/** Runs `work` on the photo of that key. The sender waits for it with `settled`. */
export function prepare(key, work) {
  const working = work().finally(() => underWay.delete(key));
  underWay.set(key, working);
  return working;
}

/** Waits until the work on a photo has ended, at most 15 s. */
export function settled(key) {
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); });
  return Promise.race([underWay.get(key) ?? Promise.resolve(), late]).catch(() => {});
}

/** Returns the picture in a file, or null if this browser can't read it. The caller closes it. */
export function decode(file) {
  return createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
}

/** Returns a smaller photo, or null if the file should be sent as it is. */
export async function shrink(file, picture) {
  const isTall = picture.height > TALL * picture.width;
  const scale = Math.min(1, isTall ? TALL_WIDTH_PX / picture.width : LONGEST_PX / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size <= SMALL_BYTES) return null;
  const canvas = draw(document.createElement("canvas"), picture, scale);
  const smaller = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
  canvas.width = canvas.height = 0; // phones are short of canvas memory
  return smaller && (smaller.size < file.size || scale < 1) ? smaller : null;
}

/** Whether the picture in a file moves: a GIF, WebP, PNG or AVIF of several frames. */
export async function isMoving(file) {
  const head = latin1(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (head.startsWith("GIF8")) return latin1(await file.arrayBuffer()).split(GIF_FRAME).length > 2;
  if (head.slice(1, 4) === "PNG") return /acTL/.test(head.split("IDAT")[0]);
  if (head.startsWith("RIFF")) return head.slice(12, 16) === "VP8X" && Boolean(head.charCodeAt(20) & 2);
  return head.slice(4, 12) === "ftypavis";
}

const latin1 = (bytes) => new TextDecoder("latin1").decode(bytes);

/** Draws a small picture of it onto a canvas. */
export function drawThumb(canvas, picture) {
  draw(canvas, picture, Math.min(1, THUMB_PX / Math.max(picture.width, picture.height)));
}

function draw(canvas, picture, scale) {
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
