// Renews the page when something new arrives, and now and then for the ages and the heartbeats.
"use strict";
const pollSeconds = 15;

async function renew() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const open = [...document.querySelectorAll("details[open]")].map((details) => details.id);
  document.querySelector("main").replaceWith(document.adoptNode(fresh.querySelector("main")));
  document.title = fresh.title;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

async function follow() {
  for (;;) {
    try {
      const last = document.querySelector("main").dataset.last;
      await (await fetch(`/notifications?after=${last}&wait=${pollSeconds}`)).arrayBuffer();
      await renew();
      document.body.classList.remove("offline");
    } catch {
      document.body.classList.add("offline");
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

follow();
