"use strict";
{
  const EVERY_MS = 2000;
  let key = null;

  function end(message) {
    let line = document.getElementById("ended");
    if (!line) {
      line = document.createElement("div");
      line.id = "ended";
      line.setAttribute("role", "alert");
      document.body.appendChild(line);
    }
    line.textContent = message;
  }

  async function watch() {
    try {
      const answer = await fetch("/alive", {cache: "no-store"});
      const started = (await answer.json()).key;
      key = key || started;
      if (started !== key) end("The demo was started again: reload this page.");
      else document.getElementById("ended")?.remove();
    } catch {
      end("The demo has ended: start it again with python run.py demo, then reload this page.");
    }
    setTimeout(watch, EVERY_MS);
  }
  watch();

  // frames are as high as the faces in them
  function fit(frame) {
    const page = frame.contentDocument?.documentElement;
    if (page) frame.style.height = `${page.querySelector("body").scrollHeight + 40}px`;
  }
  document.addEventListener("load", event => {
    if (event.target.matches?.("iframe.faces")) fit(event.target);
  }, true);
  window.addEventListener("resize", () => document.querySelectorAll("iframe.faces").forEach(fit));
}
