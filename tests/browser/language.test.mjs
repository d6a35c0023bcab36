// A second language: by address and by the browser's choice, judged answers with it, everything that is not translated marked, and the
// page without its file.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, complete, picture, start, still, withPage } from "./harness.mjs";

const FOLDER = join(ROOT, "www/lessons/de");
const LESSONS = readdirSync(FOLDER).filter((name) => /^\d/.test(name)).sort();
const WORDS = Object.fromEntries(readFileSync(join(FOLDER, "words.md"), "utf8").split("\n").filter((line) => line.includes(": ")).map((line) => line.split(/: (.*)/).slice(0, 2)));

/** The steps of a lesson: title, scene, pictures, and what is asked. */
const steps = (name) =>
  readFileSync(join(FOLDER, name), "utf8").split("\n## ").slice(1).map((section) => {
    const [, hash, show] = /```scene\n(.*)\nshow: (.*)\n/.exec(section);
    return { title: section.split("\n")[0], hash, show: show.split(", "), predict: /^predict: /m.test(section), number: /^answer: ([^ \n]*)/m.exec(section)?.[1], deed: /^do: /m.test(section) };
  });
const at = (step, place, lang = "&lang=de") => `${step.hash}${step.hash.includes("?") ? "&" : "?"}lesson=${place}${lang}`;
const german = (page) => page.waitForFunction(() => document.documentElement.lang === "de");
const said = (page) => page.getByTestId("verdict-said");

/** Words that only English has; a panel that says one of them has not been translated whole. */
const ENGLISH = /\b(the|and|which|what|head|lesson|next|back|check|right)\b/i;

/** Texts of `where` that a reader sees and that are not marked as English. */
const unmarked = (page, where) =>
  page.locator(where).first().evaluate((root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      // Quoted words of the model's sentence and of the page, formulae, and names that are the address's.
      if (element.checkVisibility() && !element.closest("math, em, code, select, [lang=en]")) found.push(walker.currentNode.data);
    }
    return found.join(" ").replace(/„[^“]*“|\([^)]*\)/g, "");
  });

/** The texts of the captions of a picture, by name. */
const CAPTIONS = {
  arcs: ["arcs-most", "arcs-none"],
  spectrum: ["spectrum"],
  built: ["added-up", "other-pairs"],
  dials: ["source-dial", "destination-dial"],
  space: ["features"],
  gram: ["gram"],
  interference: ["interference"],
};
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** A text of the words file with anything in its places. */
const filled = (name) => new RegExp(`^${WORDS[name].split(/\{\d\}/).map(escaped).join(".*")}$`);

/** What stands on the stage: its captions, and what of it a reader sees in German and in English. */
const staged = (page) =>
  page.evaluate(() => {
    const pieces = [...document.querySelectorAll(".on-stage")].filter((piece) => piece.closest("section.page:not([hidden])"));
    const captions = [];
    const texts = { de: [], en: [] };
    for (const piece of pieces) {
      for (const caption of piece.querySelectorAll("figcaption")) captions.push([piece.dataset.picture, caption.lang, caption.textContent]);
      const walker = document.createTreeWalker(piece, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        // Where the numbers come from, files, words of the model, names of heads, and the cells of grids; what is folded away is not read.
        if (element.checkVisibility() && !element.closest(".convention, .exports, .arc-words, code, .grid")) texts[element.closest("[lang]").lang].push(walker.currentNode.data);
      }
    }
    return { captions, texts };
  });

for (const [name, flags] of Object.entries(PROJECTS)) {
  describe(`German, ${name}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());
    const it = (what, options, run) => test(what, () => withPage(session, options, run));

    for (const [l, file] of LESSONS.entries()) {
      it(`teaches lesson ${l + 1} and judges its answers`, { hash: `#/learn?lang=de` }, async (page) => {
        await german(page);
        for (const [s, step] of steps(file).entries()) {
          const place = `${l + 1}.${s + 1}`;
          await page.evaluate((hash) => (location.hash = hash), at(step, place));
          await page.locator(".lesson h2", { hasText: step.title }).waitFor();
          const words = await unmarked(page, ".lesson");
          assert.ok(!ENGLISH.test(words), `${place}: ${ENGLISH.exec(words)?.[0]} in ${words}`);
          if (step.predict) {
            await page.locator("main .covered:not([lang])", { hasText: WORDS.covered }).waitFor();
            await page.getByTestId("guess").getByRole("button", { name: WORDS["just-show"] }).click();
          }
          await page.locator(".on-stage .stage-label").first().waitFor();
          const labels = await page.locator(".on-stage .stage-label").allTextContents();
          assert.deepEqual(labels.sort(), step.show.map((name) => WORDS[`picture-${name}`]).sort(), place);
          await page.locator(".on-stage :is(figcaption, .grid td button, .side, [data-testid=train])").first().waitFor();
          const { captions, texts } = await staged(page);
          for (const [picture, lang, caption] of captions) {
            assert.equal(lang, "de", `${place}: ${caption}`);
            assert.ok(CAPTIONS[picture].some((name) => filled(name).test(caption)), `${place}: ${picture} says ${caption}`);
          }
          assert.deepEqual(new Set(captions.map(([picture]) => picture)), new Set(step.show.filter((name) => CAPTIONS[name])), `${place}: every picture has its caption`);
          const onStage = texts.de.join(" ").replace(/„[^“]*“|\([^)]*\)/g, "");
          assert.ok(!ENGLISH.test(onStage), `${place}: ${ENGLISH.exec(onStage)?.[0]} in ${onStage}`);
          assert.ok(!/\p{L}{2}/u.test(texts.en.join(" ")), `${place}: in English on the stage: ${texts.en.join(" | ")}`);
          const check = page.getByRole("button", { name: WORDS.check, exact: true });
          if (step.number) {
            for (const [typed, reply] of [["", WORDS.empty], ["zwei", WORDS.unread], ["12345", WORDS["not-right"]], [step.number.replace(".", ","), WORDS.right]]) {
              await page.locator(".question input").fill(typed);
              await check.click();
              await said(page).filter({ hasText: reply }).waitFor();
            }
          } else if (!step.deed) {
            await check.click();
            await said(page).filter({ hasText: WORDS.choose }).waitFor();
          }
          assert.equal(await page.locator("main section.page:not([hidden])").getAttribute("lang"), "en", `${place}: the page itself is marked`);
        }
        await assertAccessible(page, `in German, lesson ${l + 1}`);
      });
    }

    it("is the browser's choice, and goes into the address", { hash: at(steps(LESSONS[0])[0], "1.1", ""), locale: "de-AT" }, async (page) => {
      await page.locator(".lesson h2", { hasText: steps(LESSONS[0])[0].title }).waitFor();
      await page.waitForFunction(() => location.hash.includes("lang=de") && document.title.includes("Aufmerksamkeitskopf"));
      await page.getByRole("link", { name: WORDS.next }).click();
      await page.locator(".lesson h2", { hasText: steps(LESSONS[0])[1].title }).waitFor();
      assert.match(page.url(), /lang=de/);
      await page.getByTestId("guess").getByRole("button", { name: WORDS["just-show"] }).click();
      await page.locator(".question input").fill("91,5 Prozent");
      await page.getByRole("button", { name: WORDS.check }).click();
      await said(page).filter({ hasText: WORDS.right }).waitFor();
      await page.locator(".question input").fill("0,92");
      await page.getByRole("button", { name: WORDS.check }).click();
      await said(page).filter({ hasText: WORDS.share }).waitFor();
      // The reader's own choice is stronger.
      await page.getByRole("link", { name: "English", exact: true }).click();
      await page.locator(".lesson h2", { hasText: "Shares of one whole" }).waitFor();
      await page.waitForFunction(() => document.documentElement.lang === "en-GB" && location.hash.includes("lang=en"));
      await page.getByRole("link", { name: "next ›" }).click();
      await page.locator(".lesson h2", { hasText: "What is compared with what" }).waitFor();
      assert.match(page.url(), /lang=en/);
    });

    it("marks what is in English, and says so", { hash: "#/learn?lang=de" }, async (page) => {
      await german(page);
      await page.getByText(WORDS.partly).waitFor();
      assert.equal(await page.locator(".lessons li .title:not([lang])").count(), LESSONS.length);
      const words = await unmarked(page, "section.page.learn");
      assert.ok(!ENGLISH.test(words), words);
      assert.equal(await page.locator("header nav").first().getByRole("link").first().textContent(), WORDS["page-heads"]);
      await assertAccessible(page, "on the German shelf");
      await picture(page, "german-shelf");
      await page.getByRole("link", { name: WORDS.teachers }).click();
      await page.getByText(WORDS["not-this"]).waitFor();
      await page.locator("section.page.learn .prose[lang=en]").waitFor();
      assert.equal(await page.locator("section.page.learn .prose[lang=en]").count(), 1);
      await page.evaluate(() => (location.hash = "#/learn?lang=de&read=glossary&word=Rang"));
      await page.locator("dt.chosen[lang=de]", { hasText: "Rang, rank" }).waitFor();
      assert.ok((await page.locator("dd .prose[lang=en]").count()) > 10);
      await page.evaluate(() => (location.hash = "#/heads?lang=de&lesson=6.1"));
      await page.getByText(WORDS["not-yet"]).waitFor();
      assert.equal(await page.locator(".told[lang=en] h2").count(), 1);
    });

    it("says whether a guess is what comes out", { hash: at(steps(LESSONS[0])[3], "1.4") }, async (page) => {
      await german(page);
      await page.getByTestId("guess").getByRole("button", { name: "die Hälfte" }).click();
      await page.getByTestId("guess-said").filter({ hasText: `${WORDS["your-guess"]} die Hälfte. ${WORDS["not-as-guessed"]} Such im Raster` }).waitFor();
    });

    for (const [width, height] of [[1280, 800], [390, 844]]) {
      it(`fits a window of ${width} × ${height}, and its slides fit a wall`, { hash: "#/learn?lang=de", viewport: { width, height } }, async (page) => {
        await german(page);
        for (const [l, file] of LESSONS.entries()) {
          for (const [s, step] of steps(file).entries()) {
            const place = `${l + 1}.${s + 1}`;
            for (const present of width > 1000 ? ["", "&present=1"] : [""]) {
              if (present) await page.setViewportSize({ width: 1280, height: 720 });
              else await page.setViewportSize({ width, height });
              await page.evaluate((hash) => (location.hash = hash), `${at(step, place)}${present}`);
              await page.locator(".lesson :is(h1, h2)", { hasText: step.title }).waitFor();
              if (step.predict && (await page.getByTestId("guess").count())) await page.getByTestId("guess").getByRole("button").last().click();
              await page.waitForFunction((n) => [...document.querySelectorAll(".on-stage")].filter((p) => p.closest("section.page:not([hidden])")).length === n, step.show.length);
              await still(page);
              const { pieces, wide, words } = await page.evaluate(() => {
                const lesson = document.querySelector(".lesson");
                const pieces = [...document.querySelectorAll(".on-stage")].filter((piece) => piece.closest("section.page:not([hidden])"));
                const box = (piece) => [piece.dataset.picture, piece.getBoundingClientRect()];
                return { pieces: pieces.map(box).map(([name, { bottom, right, height }]) => ({ name, bottom: Math.floor(bottom), right, height })), wide: document.documentElement.scrollWidth, words: [lesson.scrollHeight, lesson.clientHeight] };
              });
              const [w, h] = present ? [1280, 720] : [width, height];
              for (const piece of pieces) assert.ok(piece.bottom <= h && piece.right <= w, `${place}${present}: ${JSON.stringify(piece)}`);
              assert.ok(wide <= w, `${place}: ${wide} px`);
              if (present) assert.ok(words[0] <= words[1], `${place}: words of ${words} px`);
            }
          }
        }
      });
    }

    it("is fetched when it is asked for, and missed in a sentence", { hash: "#/heads", expected: [/texts\/de\.txt/, /ERR_FAILED/, /Failed to load/] }, async (page) => {
      await complete(page);
      const fetched = () => performance.getEntriesByType("resource").some(({ name }) => name.includes("texts/"));
      assert.equal(await page.evaluate(fetched), false, "nobody asked for German");
      await page.context().route("**/texts/de.txt", (route) => route.abort());
      await page.getByRole("link", { name: "Deutsch" }).click();
      await page.getByText("The texts in Deutsch could not be fetched").waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), "en-GB");
      await page.context().unroute("**/texts/de.txt");
      await page.reload();
      await page.locator("header nav").getByRole("link", { name: WORDS["page-learn"] }).waitFor();
    });
  });
}
