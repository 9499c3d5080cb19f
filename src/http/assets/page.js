// Makes the page anew in place, so that whoever reads keeps the place; pages work without it.
"use strict";
(() => {
  const EVERY = 15_000;
  let made = Date.now();

  const age = () => {
    const told = document.getElementById("age");
    if (!told) return;
    const seconds = Math.round((Date.now() - made) / 1000);
    told.textContent = seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
  };

  const again = async () => {
    if (document.hidden) return;
    try {
      const wanted = { accept: "text/html" };
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(location.href, { headers: wanted, cache: "no-store", signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [mine, fresh] = [document, page].map((one) => one.querySelector("main"));
      if (!answer.ok || !mine || !fresh) return;
      // By their places: several links lead to one page.
      const stops = (of) => [...of.querySelectorAll("a[href], summary, [tabindex]")];
      const focused = stops(mine).indexOf(document.activeElement);
      const opened = [...mine.querySelectorAll("details")].map((one) => one.open);
      const wide = [...mine.querySelectorAll(".wide")].map((one) => one.scrollLeft);
      mine.replaceWith(fresh);
      [...fresh.querySelectorAll("details")].forEach((one, n) => { one.open = opened[n] ?? false; });
      [...fresh.querySelectorAll(".wide")].forEach((one, n) => { one.scrollLeft = wide[n] ?? 0; });
      stops(fresh)[focused]?.focus({ preventScroll: true });
      document.title = page.title;
      // Said aloud only where it is another.
      for (const id of ["summary", "as-of"]) {
        const [old, now] = [document, page].map((one) => one.getElementById(id));
        if (old && now && old.textContent !== now.textContent) old.textContent = now.textContent;
      }
      made = Date.now();
    } catch {
      // The page goes grey by itself.
    }
    age();
  };

  setInterval(age, 1000);
  setInterval(again, EVERY);
  document.addEventListener("visibilitychange", again);
})();
