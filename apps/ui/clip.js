// "Download clip": has a reply said again and records picture and sound in the browser.

const TYPES = ["video/mp4;codecs=avc1.42E01E,mp4a.40.2", "video/webm;codecs=vp8,opus", "video/webm"];
const SILENT_MS = 4000; // give up when nothing is said within this time
const TAIL_MS = 300;

// Resolves when the file has been handed to the browser's downloads.
export async function recordClip(player, turn) {
  if (!player.soundOn) throw new Error("turn the sound on first by clicking anywhere.");
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const { stream, release } = player.capture();
  const recorder = new MediaRecorder(stream, { mimeType });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const finished = new Promise((done) => { recorder.onstop = done; });
  const spoken = speechOf(player);
  recorder.start();
  player.replay(turn);
  try {
    await spoken;
  } finally {
    recorder.stop();
    await finished;
    release();
  }
  save(new Blob(parts, { type: mimeType }), `limner-${turn}.${mimeType.includes("mp4") ? "mp4" : "webm"}`);
}

// Resolves shortly after the face has spoken; rejects if it never begins.
function speechOf(player) {
  return new Promise((resolve, reject) => {
    let begun = false;
    const end = (settle, value) => {
      player.removeEventListener("activity", follow);
      clearTimeout(timer);
      settle(value);
    };
    const timer = setTimeout(() => end(reject, new Error("the reply was not said again.")), SILENT_MS);
    const follow = ({ detail }) => {
      if (detail === "speaking") {
        begun = true;
        clearTimeout(timer);
      } else if (begun) setTimeout(() => end(resolve), TAIL_MS);
    };
    player.addEventListener("activity", follow);
  });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
