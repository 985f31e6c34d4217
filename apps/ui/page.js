// Puts the page together: one live player, the stage around it, the chat beside it.
//
// Gradio calls `mountPage` once from js_on_load of the stage element. `server` holds the Python
// functions of apps/live_stage.py, `trigger` raises the events that Python listens to.

import { CameraPanel } from "./camera_panel.js";
import { Conversation } from "./conversation.js";
import { Drawer } from "./drawer.js";
import { FeelingsPanel } from "./feelings_panel.js";
import { backOff } from "./logic.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { Studio } from "./studio.js";
import { TopBar } from "./topbar.js";
import { Upload } from "./upload.js";

const TOKEN = "limner-token";

export async function mountPage({ element, trigger, props, server }) {
  const base = pageFolder();
  await present("#topbar header", "#prompts .prompts", "#chat", "#composer textarea", "#picture");
  const opened = await openPage(server, element.querySelector(".state"));
  const player = new Player({
    canvas: element.querySelector("canvas"),
    base,
    token: opened.token,
    storage: sessionStorage,
    renew: async (token) => {
      const fresh = (await server.open_page({ token })).token;
      tellToken(fresh);
      return fresh;
    },
  });
  const tellToken = (token) => {
    sessionStorage.setItem(TOKEN, token);
    // Gradio loses what is set while js_on_load still runs.
    setTimeout(() => { props.value = token; }, 0);
  };
  tellToken(opened.token);
  const conversation = new Conversation({ player, trigger, opened });
  const stage = new Stage({ element: element.querySelector(".stage"), player, conversation, opened });
  const camera = new CameraPanel({ stage: element.querySelector(".stage"), player, conversation });
  const feelings = new FeelingsPanel({ stage: element.querySelector(".stage"), player, mixtures: opened.mixtures });
  const topBar = new TopBar({ player, opened, trigger });
  const drawer = new Drawer({ player, opened, server, conversation });
  const refresh = async () => {
    const who = await server.look({ token: player.token });
    for (const part of [topBar, stage, conversation, drawer]) part.who(who);
  };
  const upload = new Upload({ player, server, base, stage: element.querySelector(".stage"), used: refresh });
  // The settings' Gradio components call these; `limner bench chat` and the tests read `stats`.
  window.limner = {
    player,
    stats: player.stats,
    conversation,
    studio: null,
    camera,
    feelings,
    preview: () => drawer.preview(),
    save: () => drawer.save(),
    forget: () => drawer.forget(),
    choosePicture: () => upload.choose(),
    refresh,
  };
  openStudio(player, stage);
  await player.start();
}

// Gradio builds the studio's tab when it is first opened.
function openStudio(player, stage) {
  let hello = null;
  player.addEventListener("hello", ({ detail }) => {
    hello = detail;
    // A page that was reloaded holds the face no longer.
    if (hello.controls && !window.limner.studio) player.send({ type: "controls", values: {}, open: false });
  });
  const mount = () => {
    if (document.querySelector("#studio .studio")) window.limner.studio ??= new Studio({ player, stage, hello });
  };
  document.addEventListener("limner-studio", mount);
  mount();
}

// The server may still be starting its engines, or be gone for a moment.
async function openPage(server, state) {
  for (let attempt = 0; ; attempt++) {
    try {
      const opened = await server.open_page({ token: rememberedToken() });
      state.textContent = "";
      return opened;
    } catch (error) {
      console.error(error);
      state.textContent = "Back in a moment";
      await new Promise((next) => setTimeout(next, 1000 * backOff(attempt)));
    }
  }
}

// The folder the page is served from; behind a proxy Gradio knows the path, the browser the host.
function pageFolder() {
  const root = new URL(window.gradio_config?.root ?? "./", location.href).pathname;
  return new URL(root.replace(/\/*$/, "/"), location.origin);
}

// A reloaded page goes on where it was; a second or duplicated tab gets a session of its own.
function rememberedToken() {
  const [entry] = performance.getEntriesByType("navigation");
  return entry?.type === "reload" ? sessionStorage.getItem(TOKEN) : null;
}

// Gradio mounts its elements in no particular order.
async function present(...selectors) {
  while (!selectors.every((selector) => document.querySelector(selector))) {
    await new Promise((next) => setTimeout(next, 20));
  }
}
