// The lessons, played from the first to the last question by keyboard alone; prepared and presented views; the page without a network.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import readCode from "jsqr";
import { DIST, ROOT, assertAccessible, complete, drop, model, picture, start, still, withPage } from "./harness.mjs";
import { serve } from "./server.mjs";

const FOLDER = join(ROOT, "www/lessons/en");
const LESSONS = readdirSync(FOLDER).filter((name) => /^\d/.test(name)).sort();

/** The steps of a lesson, as far as a reader needs them: the fields of the question, and which option is right. */
function steps(name) {
  const [, ...sections] = readFileSync(join(FOLDER, name), "utf8").split("\n## ");
  return sections.map((section) => {
    const block = /```question\n([^]*?)```/.exec(section)[1];
    const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
    const options = [...block.matchAll(/^([-+]) /gm)].map(([, mark]) => mark === "+");
    const scene = /```scene\n(.*)\nshow: (.*)\n/.exec(section);
    return { title: section.split("\n")[0], hash: scene[1], show: scene[2].split(", "), predict: /^predict: /m.test(section), lights: section.split("](light:").length - 1, right: options.indexOf(true), wrong: options.indexOf(false), answer: field("answer"), goal: field("goal") };
  });
}

/** What a lesson says about a number must be what the page shows beside it: place, where on the page, what stands there. */
const SHOWN = [
  ["1.2", "[data-testid=explain]", /gives “John” 92 %/],
  ["2.1", ".spectrum figure .bars", /^/],
  ["2.3", "[data-testid=svd-image]", /y is/],
  ["2.4", "[data-testid=svd-built]", /σ0 = 4\.27: 85 %/],
  ["2.5", '[data-head="1,1"]', /1\.19/],
  ["5.2", "[data-testid=theorem-1]", /37\.2°/],
  ["6.1", ".cell figcaption", /Relative attention 5\.98/],
  ["6.2", "[data-testid=explain]", /k = 1 carries 89 %/],
  ["6.3", "[data-testid=s]", /^0\.0920/],
  ["6.4", "[data-testid=explain]", /gives “gave” 7 %.*2 together reach nine tenths.*No sparser than chance/],
  ["6.5", "[data-testid=s]", /^0\.097/],
  ["6.6", "[data-testid=explain]", /“to” gives “John” (99|100) %/],
  ["7.2", "[data-testid=explain]", /gives “cake” 93 %/],
  ["7.4", "[data-testid=explain]", /“to” gives “John” 29 %/],
  ["8.1", ".convention", /5 % critical 0\.412/],
  ["8.3", "[data-testid=verdict]", /k = 0, 1.*closer to features, and its directions on the whole are farther/],
  ["8.4", "[data-testid=verdict]", /^One of its directions, k = 0, is closer to a feature/],
];

/** Whether the focused element matches. */
const focused = (page, selector) => page.evaluate((selector) => document.activeElement?.matches(selector), selector);

/** Presses a key until the focus is on `selector`: the only way in which these tests get anywhere. */
async function tabTo(page, selector, key = "Tab") {
  for (let i = 0; i < 400; i += 1) {
    if (await focused(page, selector)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`no way to ${selector} by ${key}`);
}

async function press(page, selector, key) {
  await page.locator(selector).first().waitFor();
  await tabTo(page, selector, key);
  await page.keyboard.press("Enter");
}

/** What a reader does where a step says so, by the goal's parameters. */
async function act(page, goal) {
  const to = Object.fromEntries(new URLSearchParams(goal.split("?")[1]));
  if (to.seed) {
    await tabTo(page, '[data-setting="seed"]');
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type(to.seed);
    await page.keyboard.press("Enter");
    await page.locator('[data-testid="train"]:enabled').waitFor();
    return press(page, '[data-testid="train"]', "Shift+Tab");
  }
  if (to.at) return press(page, '[data-testid="train"]');
  if (goal.startsWith("#/theorems")) return press(page, '[data-testid="tight"]');
  if (to.dest) return press(page, `.arc-words button:nth-of-type(${Number(to.dest) + 1})`);
  // The grid of heads: arrows from the cell in view.
  const here = "section.page:not([hidden]) [data-head]";
  await page.locator(here).first().waitFor();
  await page.waitForFunction((here) => [...document.querySelectorAll(here)].every((cell) => cell.textContent !== "…"), here);
  await tabTo(page, here);
  let [layer, head] = (await page.evaluate(() => document.activeElement.dataset.head)).split(",").map(Number);
  const move = async (key, by) => {
    await page.keyboard.press(key);
    [layer, head] = [layer + by[0], head + by[1]];
    await page.waitForFunction((at) => document.activeElement.dataset.head === at, `${layer},${head}`);
  };
  while (layer !== Number(to.layer)) await (layer < to.layer ? move("ArrowDown", [1, 0]) : move("ArrowUp", [-1, 0]));
  while (head !== Number(to.head)) await (head < to.head ? move("ArrowRight", [0, 1]) : move("ArrowLeft", [0, -1]));
}

/** Opens a step on its scene, guesses where it asks for that, and waits for its pictures. */
async function open(page, step, place, more = "") {
  await page.evaluate((hash) => (location.hash = hash), `${step.hash}${step.hash.includes("?") ? "&" : "?"}lesson=${place}${more}`);
  await page.locator(".lesson :is(h1, h2)", { hasText: step.title }).waitFor();
  if (step.predict && (await page.getByTestId("guess").count())) {
    await still(page);
    const { words, type } = await page.evaluate(seen);
    if (more) assert.ok(words[0] <= words[1] && type >= 16, `lesson ${place}, before the guess: words ${words}, type of ${type} px`);
    await page.getByTestId("guess").getByRole("button").last().click();
  }
  const there = (n) => {
    const pieces = [...document.querySelectorAll(".on-stage")].filter((piece) => piece.closest("section.page:not([hidden])"));
    const all = pieces.length === n && pieces.some((piece) => piece.getBoundingClientRect().height > 20);
    // A model that is opened in between takes the pictures away once more.
    return all && !document.querySelector("[data-testid=model] .opening");
  };
  do {
    await page.waitForFunction(there, step.show.length);
    await still(page);
  } while (!(await page.evaluate(there, step.show.length)));
}

/** Opens the pictures of a step without a guess. */
const justShow = (page) => page.getByTestId("guess").getByRole("button", { name: "just show me" }).click();

/** What a reader has before them: the pieces on the stage, sizes of the page, of its type, and of the words. */
function seen() {
  const scale = (text) => Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b);
  const pieces = [...document.querySelectorAll(".on-stage")].filter((piece) => piece.closest("section.page:not([hidden])"));
  const texts = pieces.flatMap((piece) => [...piece.querySelectorAll("svg text")]).filter((text) => text.getClientRects().length && text.textContent.trim());
  const lesson = document.querySelector(".lesson");
  return {
    pieces: pieces.map((piece) => {
      const { top, bottom, left, right, height } = piece.getBoundingClientRect();
      const chart = piece.querySelector("svg.chart, svg.plane, .plane svg, .arc-frame");
      return { name: piece.dataset.picture, top: Math.ceil(top), bottom: Math.floor(bottom), left, right, height, drawn: chart?.getBoundingClientRect().height, over: piece.scrollHeight > piece.clientHeight + 1 };
    }),
    wide: document.documentElement.scrollWidth,
    high: document.documentElement.scrollHeight,
    smallest: Math.min(99, ...texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * scale(text))),
    words: [lesson.scrollHeight, lesson.clientHeight],
    cut: [...lesson.querySelectorAll("math[display=block]")].filter(({ parentElement: box }) => box.scrollWidth > box.clientWidth + 1).map((formula) => formula.textContent),
    type: parseFloat(getComputedStyle(lesson).fontSize),
    titles: [...document.querySelectorAll("h1")].filter((title) => title.getClientRects().length).length,
  };
}

/** How much of its picture the curve of chance takes, and the first sentence of verdicts that is not on the stage whole. */
function drawn() {
  const here = (selector) => [...document.querySelectorAll(`section.page:not([hidden]) .on-stage ${selector}`)];
  const [curve] = here(".density .null-curve");
  const high = (element) => element.getBoundingClientRect().height;
  const hidden = here(".verdicts li").find((li) => li.getBoundingClientRect().bottom > li.closest(".on-stage").getBoundingClientRect().bottom + 1);
  return [curve && high(curve) / high(curve.closest("svg")), hidden?.textContent];
}

const said = (page) => page.locator(".question .said");

/** Answers one step; a wrong answer comes first where there is one, and must not close the door. */
async function play(page, step) {
  if (step.predict) await press(page, ".guesses button");
  if (step.goal) {
    await act(page, step.goal);
  } else if (step.answer) {
    await tabTo(page, '.question input[type="text"]');
    await page.keyboard.type("12345");
    await page.keyboard.press("Enter");
    await said(page).filter({ hasText: "Not yet" }).waitFor();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type(step.answer.split("±")[0].trim());
    await page.keyboard.press("Enter");
  } else {
    await tabTo(page, '.question input[type="radio"]');
    await page.keyboard.press("Space");
    let at = 0;
    for (const wanted of [step.wrong, step.right]) {
      for (; at < wanted; at += 1) await page.keyboard.press("ArrowDown");
      for (; at > wanted; at -= 1) await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await said(page).filter({ hasText: wanted === step.wrong ? "Not yet" : "Right" }).waitFor();
    }
  }
  await page.locator(".said.right").waitFor({ timeout: 60_000 });
}

describe("Lessons", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

  for (const [i, name] of LESSONS.entries()) {
    it(`${name} is played by keyboard, and every step of it is accessible`, { hash: "#/learn" }, async (page) => {
      await model(page).filter({ hasText: "built-in model" }).waitFor();
      await press(page, `.lessons li:nth-of-type(${i + 1}) a.title`);
      for (const [s, step] of steps(name).entries()) {
        await page.locator(".lesson h2", { hasText: step.title }).waitFor();
        // A new step is read from its title.
        if (s > 0) await page.waitForFunction(() => document.activeElement?.matches(".lesson h2"));
        await play(page, step);
        await assertAccessible(page, `in ${name}, step ${s + 1}`);
        if (s + 1 < steps(name).length) await press(page, ".turn a.on", step.goal ? "Shift+Tab" : "Tab");
      }
      await page.goto(`${session.address}#/learn`);
      await page.locator(`.lessons li:nth-of-type(${i + 1})`, { hasText: "done" }).waitFor();
    });
  }

  it("says no number that the page does not show", { hash: "#/learn" }, async (page) => {
    for (const [place, selector, text] of SHOWN) {
      const [lesson, step] = place.split(".");
      const scene = /```scene\n(.*)\n/g;
      const scenes = [...readFileSync(join(FOLDER, LESSONS[lesson - 1]), "utf8").matchAll(scene)].map(([, hash]) => hash);
      await page.evaluate((hash) => (location.hash = hash), scenes[step - 1]);
      await page.locator(`section.page:not([hidden]) ${selector}`).filter({ hasText: text }).first().waitFor().catch((why) => {
        throw new Error(`lesson ${place}: ${selector} does not say ${text}: ${why.message}`);
      });
    }
  });

  it("keeps what was answered", { hash: "#/heads?head=0&layer=1&lesson=2.1" }, async (page) => {
    await complete(page);
    await play(page, steps(LESSONS[1])[0]);
    await page.reload();
    await page.locator(".question .tick").waitFor();
    await page.goto(`${session.address}#/learn`);
    await page.getByRole("link", { name: "go on at step 2" }).waitFor();
  });

  it("presents with large type and arrow keys, and stops at Escape", { hash: "#/heads?head=0&layer=1&lesson=2.1&present=1" }, async (page) => {
    await justShow(page);
    // A slide is turned when it stands.
    await page.locator(".spectrum figure svg").first().waitFor();
    assert.ok(!(await page.locator("header").first().isVisible()), "no chrome");
    const size = await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize));
    assert.ok(size >= 20, `${size} px`);
    for (const [key, step] of [["ArrowRight", "2.2"], ["PageDown", "2.3"], ["ArrowLeft", "2.2"]]) {
      await page.keyboard.press(key);
      await page.waitForFunction((step) => location.hash.includes(`lesson=${step}`) && location.hash.includes("present=1"), step);
    }
    await assertAccessible(page, "a slide");
    await picture(page, "presenter");
    await page.keyboard.press("Escape");
    await page.locator("header nav").first().waitFor();
  });

  for (const [width, height] of [[1920, 1080], [1280, 800], [1024, 768], [390, 844], [390, 664]]) {
    it(`puts the pictures of every step into a window of ${width} × ${height}`, { hash: "#/learn", viewport: { width, height } }, async (page) => {
      for (const [l, name] of LESSONS.entries()) {
        for (const [s, step] of steps(name).entries()) {
          await open(page, step, `${l + 1}.${s + 1}`);
          const place = `lesson ${l + 1}.${s + 1} at ${width}`;
          const { pieces, wide, smallest, cut } = await page.evaluate(seen);
          assert.deepEqual(cut, [], `${place}: formulas are cut`);
          assert.deepEqual(pieces.map((piece) => piece.name).sort(), [...step.show].sort(), `${place}: all that it names is on the stage`);
          const shown = pieces.filter((piece) => piece.height > 0);
          // On a phone the arcs leave their room to the grid.
          assert.ok(shown.length === pieces.length || (width < 640 && step.show.includes("look-grid")), place);
          for (const piece of shown) {
            assert.ok(piece.top >= 0 && piece.bottom <= height && piece.left >= 0 && piece.right <= width, `${place}: ${JSON.stringify(piece)}`);
            if (piece.drawn) assert.ok(piece.drawn >= (width < 640 ? 90 : 130), `${place}: ${piece.name} is ${piece.drawn} px high`);
          }
          const [curve, sentence] = await page.evaluate(drawn);
          if (step.show.includes("rotation-null")) assert.ok(curve > 0.5, `${place}: the curve takes ${curve} of its picture`);
          assert.ok(!sentence, `${place}: hidden is “${sentence}”`);
          assert.ok(wide <= width, `${place}: no sideways scrolling, ${wide} px`);
          assert.ok(smallest >= (width < 640 ? 10.9 : 10), `${place}: text of ${smallest} px in a chart`);
        }
      }
    });
  }

  for (const reducedMotion of ["no-preference", "reduce"]) {
    it(`fades in the same picture for another step: ${reducedMotion}`, { hash: `${steps(LESSONS[5])[0].hash}&lesson=6.1`, reducedMotion }, async (page) => {
      await justShow(page);
      await page.locator(".on-stage .bars").waitFor({ timeout: 60_000 });
      await still(page);
      await page.evaluate(() => {
        window.faded = [];
        addEventListener("animationstart", ({ animationName }) => /^appear/.test(animationName) && window.faded.push(animationName));
      });
      await page.getByRole("link", { name: "next ›" }).click();
      await page.locator(".lesson h2", { hasText: steps(LESSONS[5])[1].title }).waitFor();
      await page.waitForTimeout(500);
      assert.deepEqual(await page.evaluate(() => [...new Set(window.faded)]), reducedMotion === "reduce" ? [] : ["appear-anew"]);
    });
  }

  for (const reducedMotion of ["no-preference", "reduce"]) {
    it(`spreads the bars of a score over a random basis: ${reducedMotion}`, { hash: `${steps(LESSONS[5])[2].hash}&lesson=6.3`, reducedMotion }, async (page) => {
      await page.getByTestId("guess").waitFor();
      // Held at its first moment, so that it can be looked at.
      await page.addStyleTag({ content: ".bar { animation-play-state: paused !important; }" });
      await page.locator('[data-picture="control"] .bars .bar').nth(15).waitFor({ state: "attached", timeout: 60_000 });
      await page.getByTestId("guess").getByRole("button").last().click();
      await page.locator('.on-stage[data-picture="control"] .bars .bar').first().waitFor();
      await still(page);
      const largest = () =>
        page.locator('[data-picture="control"] .bars .bar').evaluateAll((bars) => {
          const heights = bars.map((bar) => bar.getBoundingClientRect().height);
          return Math.max(...heights) / heights.reduce((a, b) => a + b);
        });
      const first = await largest();
      await page.evaluate(() => document.getAnimations().forEach((motion) => motion.animationName === "grow" && motion.finish()));
      const last = await largest();
      assert.ok(last < 0.4, `in the random basis the largest bar has ${last}`);
      // A figure that is still being fitted into its window changes by some hundredths of a pixel.
      if (reducedMotion === "reduce") assert.ok(Math.abs(first - last) < 1e-3, `${first} and ${last}`);
      else assert.ok(first > 0.6, `of singular vectors the largest bar has ${first}`);
    });
  }

  it("draws which features meet once a score is split", { hash: `${steps(LESSONS[5])[5].hash}&lesson=6.6` }, async (page) => {
    await justShow(page);
    await page.getByRole("button", { name: "split this score by features" }).click();
    const pictures = page.locator('[data-picture="meetings"] .picture svg.chart');
    await pictures.nth(1).waitFor();
    for (const height of await pictures.evaluateAll((all) => all.map((svg) => svg.getBoundingClientRect().height))) assert.ok(height > 130, `a picture of ${height} px`);
  });

  it("leads to the whole page and back", { hash: "#/attention?dest=14&head=3&layer=1&lesson=1.2&prompt=When+Mary+and+John+went" }, async (page) => {
    await justShow(page);
    await page.getByTestId("arcs").waitFor();
    assert.equal(await page.locator(".prompt form").isVisible(), false);
    await page.getByRole("link", { name: "the whole page" }).click();
    await page.locator(".prompt form").waitFor();
    await page.getByRole("link", { name: "only the picture" }).click();
    await page.locator(".prompt form").waitFor({ state: "hidden" });
  });

  it("replies to answers that it cannot read", { hash: "#/attention?dest=14&head=3&layer=1&lesson=1.2&prompt=When+Mary+and+John+went+to+the+store+,+John+gave+a+drink+to&src=10" }, async (page) => {
    await justShow(page);
    await page.locator(".question input").waitFor();
    for (const [answer, reply] of [["", /Write a number/], ["ninety two", /numbers in digits/], ["0.92", /a hundred times/], ["92 per cent", /^Right/]]) {
      await page.locator(".question input").fill(answer);
      await page.locator(".question button").click();
      await said(page).filter({ hasText: reply }).waitFor();
    }
  });

  it("covers the picture until the reader has guessed", { hash: `${steps(LESSONS[6])[1].hash}&lesson=7.2` }, async (page) => {
    await page.getByTestId("guess").waitFor();
    assert.equal(await page.getByTestId("arcs").isVisible(), false);
    assert.equal(await page.locator(".question form").count(), 0);
    const covered = page.locator("main .covered");
    await covered.filter({ hasText: "Guess first" }).waitFor();
    await assertAccessible(page, "with a covered picture");
    await page.getByTestId("guess").getByRole("button").nth(1).click();
    await page.getByTestId("arcs").waitFor();
    assert.equal(await covered.isVisible(), false);
    await page.getByText("Your guess: still at that place. So it is. Look at the thickest arc").waitFor();
    await page.locator(".question form").waitFor();
    await assertAccessible(page, "with a reply to a guess");
  });

  it("says to a guess what comes out, once that can be seen", { hash: `${steps(LESSONS[6])[1].hash}&lesson=7.2` }, async (page) => {
    const said = page.getByTestId("guess-said");
    await page.getByTestId("guess").getByRole("button", { name: "at John" }).click();
    await said.filter({ hasText: /^Your guess: at John\. It is otherwise\. Look at the thickest arc/ }).waitFor();
    // Who does not guess is told what there is to see, and nothing else.
    await page.evaluate((hash) => (location.hash = hash), `${steps(LESSONS[6])[2].hash}&lesson=7.3`);
    await page.locator(".lesson h2", { hasText: steps(LESSONS[6])[2].title }).waitFor();
    await page.getByTestId("guess").getByRole("button", { name: "just show me" }).click();
    await said.filter({ hasText: /^Look at the thickest arc: one place/ }).waitFor();
    // Here nothing is to be seen before the reader has let another word look.
    await page.evaluate((hash) => (location.hash = hash), `${steps(LESSONS[0])[2].hash}&lesson=1.3`);
    await page.locator(".lesson h2", { hasText: steps(LESSONS[0])[2].title }).waitFor();
    await page.getByTestId("guess").getByRole("button", { name: "hardest at another word" }).click();
    await said.filter({ hasText: /^Your guess: hardest at another word\.\s*$/ }).waitFor();
    await page.locator(".arc-words button", { hasText: "gave" }).click();
    await said.filter({ hasText: /So it is\. “gave” looks hardest at the first “John”, with 33 per cent/ }).waitFor();
  });

  for (const [width, height, more, least] of [[390, 844, "", 15], [1280, 720, "", 15], [1280, 720, "&present=1", 21]]) {
    it(`says on a covered picture why it is, at ${width} × ${height}${more}`, { hash: `${steps(LESSONS[6])[1].hash}&lesson=7.2${more}`, viewport: { width, height } }, async (page) => {
      const covered = page.locator("main .covered");
      await covered.waitFor();
      await still(page);
      // Without any scrolling, in the middle of what is covered, and large enough for where it is read.
      const { box, main, size } = await covered.evaluate((element) => {
        const box = ({ left, right, top, bottom }) => ({ left, right, top, bottom });
        const [inner, outer] = [element, element.closest("main")].map((e) => box(e.getBoundingClientRect()));
        return { box: inner, main: outer, size: parseFloat(getComputedStyle(element).fontSize) };
      });
      assert.ok(box.top >= Math.max(0, main.top) && box.bottom <= Math.min(height, main.bottom) && box.left >= main.left && box.right <= Math.min(width, main.right), JSON.stringify({ box, main }));
      for (const [a, b, c, d] of [[box.left, box.right, main.left, main.right], [box.top, box.bottom, main.top, main.bottom]]) assert.ok(Math.abs(a + b - c - d) <= 4, JSON.stringify({ box, main }));
      assert.ok(size >= least, `${size} px`);
    });
  }

  for (const height of [844, 664]) {
    it(`asks for every guess within a phone's window of 390 × ${height}`, { hash: "#/learn", viewport: { width: 390, height } }, async (page) => {
      for (const [l, name] of LESSONS.entries()) {
        for (const [s, step] of steps(name).entries()) {
          if (!step.predict) continue;
          const place = `${l + 1}.${s + 1}`;
          await page.evaluate((hash) => (location.hash = hash), `${step.hash}${step.hash.includes("?") ? "&" : "?"}lesson=${place}`);
          await page.locator(".lesson h2", { hasText: step.title }).waitFor();
          await still(page);
          await page.evaluate(() => scrollTo(0, 0));
          const { guess, covered, main, whole } = await page.evaluate(() => {
            const box = (selector) => (({ top, bottom }) => ({ top, bottom }))(document.querySelector(selector).getBoundingClientRect());
            const asked = document.querySelector(".guessing");
            return { guess: box(".guessing"), covered: box("main .covered"), main: box("main"), whole: asked.scrollHeight <= asked.clientHeight + 1 };
          });
          assert.ok(whole && guess.top >= main.bottom && guess.bottom <= height + 1, `${place}: ${JSON.stringify({ guess, main, whole })}`);
          assert.ok(covered.top >= main.top && covered.bottom <= main.bottom, `${place}: ${JSON.stringify({ covered, main })}`);
        }
      }
    });
  }

  for (const [width, height] of [[1024, 768], [1280, 720]]) {
    it(`makes a slide of every step that fits ${width} × ${height} whole`, { hash: "#/learn", viewport: { width, height } }, async (page) => {
      for (const [l, name] of LESSONS.entries()) {
        for (const [s, step] of steps(name).entries()) {
          const place = `lesson ${l + 1}.${s + 1} at ${width}`;
          await open(page, step, `${l + 1}.${s + 1}`, "&present=1");
          const { pieces, high, words, type, titles } = await page.evaluate(seen);
          for (const piece of pieces) assert.ok(piece.bottom <= height && piece.right <= width && !piece.over, `${place}: ${JSON.stringify(piece)}`);
          assert.ok(high <= height && words[0] <= words[1], `${place}: ${high} px high, words ${words}`);
          assert.ok(type >= 16, `${place}: type of ${type} px`);
          assert.equal(titles, 1, `${place}: one title`);
        }
      }
    });
  }

  it("keeps a locked class where it is", { hash: `${steps(LESSONS[1])[5].hash}&lesson=2.6&lock=nav,open,lesson`, expected: [/./] }, async (page) => {
    await page.locator(".on-stage .sides").waitFor();
    assert.equal(await page.locator(".turn a.on").count(), 0, "no next lesson");
    const leads = () => page.locator("a[href^='#/'] >> visible=true").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    for (const [step, kept] of [["2.6", /^#\/(heads|svd\?.*lesson=2\.5|heads\?.*lesson=2\.5)/], ["2.5", /^#\/(svd\?.*lesson=2\.[45]|heads\?.*lesson=2\.6)/]]) {
      await page.goto(`${session.address}${steps(LESSONS[1])[step.at(-1) - 1].hash}&lesson=${step}&lock=nav,open,lesson`);
      await page.locator(".lesson h2", { hasText: steps(LESSONS[1])[step.at(-1) - 1].title }).waitFor();
      if (steps(LESSONS[1])[step.at(-1) - 1].predict) await page.getByTestId("guess").getByRole("button").last().click();
      await page.locator(".on-stage").first().waitFor();
      const words = page.locator(":is(.gloss summary, .word) >> visible=true");
      assert.ok((await words.count()) > 0, `${step} has words to open`);
      for (let i = 0; i < (await words.count()); i += 1) {
        await words.nth(i).click();
        for (const href of await leads()) assert.match(href, kept, `${step}: ${href}`);
      }
    }
    await page.goto(`${session.address}${steps(LESSONS[1])[5].hash}&lesson=2.6&lock=nav,open,lesson`);
    await page.locator(".on-stage .sides").waitFor();
    // A link that somebody has kept leads nowhere else, and the answers are not shown.
    await page.evaluate(() => (location.hash = "#/toy?lesson=2.6&lock=nav,open,lesson"));
    await page.waitForFunction(() => location.hash.startsWith("#/heads"));
    await page.goto(`${session.address}#/learn?read=answers&lock=nav`);
    await page.getByRole("heading", { name: "Glossary" }).waitFor();
    assert.equal(await page.getByText("Answers to the exercises").count() + await page.locator(".shelves").count(), 0);
    await page.goto(`${session.address}#/heads?lock=open`);
    await page.locator(".spectrum figure svg").first().waitFor();
    await drop(page, [join(ROOT, "www/models/names/step-00000.safetensors")]);
    await page.getByText("This view is locked").waitFor();
    await page.getByText("built-in model").first().waitFor({ state: "attached" });
    for (const [place, there] of [["compare?with=2000", "second-files"], ["features", "dictionary-file"], ["attention", "series-files"]]) {
      await page.goto(`${session.address}#/${place}${place.includes("?") ? "&" : "?"}lock=open`);
      await page.getByTestId(there).waitFor({ state: "attached" });
      assert.equal(await page.locator("main input[type=file] >> visible=true").count(), 0, place);
    }
  });

  it("makes a locked link by clicking", { hash: `${steps(LESSONS[0])[0].hash}&lesson=1.1` }, async (page) => {
    await page.getByText("lock this view for a class").click();
    await page.getByTestId("lock-view").getByLabel("the way out of a lesson", { exact: false }).check();
    await page.getByTestId("lock-view").getByLabel("as a slide").check();
    const link = await page.getByTestId("locked-link").inputValue();
    assert.match(link, /lesson=1\.1&lock=nav,open,exports,lesson&present=1/);
    // The code says the same, to a reader that knows nothing of ours.
    const { pixels, side } = await page.getByTestId("qr").evaluate((code) => {
      const [side, scale] = [code.viewBox.baseVal.width, 4];
      const canvas = Object.assign(document.createElement("canvas"), { width: side * scale, height: side * scale });
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.fillStyle = "#000";
      context.scale(scale, scale);
      context.translate(-code.viewBox.baseVal.x, -code.viewBox.baseVal.y);
      context.fill(new Path2D(code.querySelector("path").getAttribute("d")));
      return { pixels: [...context.getImageData(0, 0, canvas.width, canvas.height).data], side: canvas.width };
    });
    assert.equal(readCode(Uint8ClampedArray.from(pixels), side, side)?.data, link);
    await page.goto(link);
    await page.locator(".presenter.lock-nav.lock-lesson .lesson h1").first().waitFor();
    assert.equal(await page.getByTestId("lock-view").count(), 0);
  });

  it("prints every lesson on two pages, whole", { hash: "#/learn" }, async (page) => {
    const translated = readdirSync(join(ROOT, "www/lessons/de")).filter((name) => /^\d/.test(name)).length;
    const handouts = [...LESSONS.map((name, l) => ["en", `Lesson ${l + 1}:`, l, name]), ...LESSONS.slice(0, translated).map((name, l) => ["de", `Lektion ${l + 1}:`, l, name])];
    for (const [lang, title, l, name] of handouts) {
      await page.evaluate((hash) => (location.hash = hash), `#/learn?lang=${lang}&lesson=${l + 1}&read=handout`);
      await page.locator(".handout h2", { hasText: title }).waitFor();
      await page.locator(".handout section").nth(steps(name).length - 1).waitFor();
      const n = (await page.pdf({ format: "A4", margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" } })).toString("latin1").match(/\/Type\s*\/Page[^s]/g).length;
      assert.ok(n <= 2, `${title} ${n} pages`);
      // 186 mm between the margins.
      await page.setViewportSize({ width: 703, height: 1000 });
      await page.emulateMedia({ media: "print" });
      await still(page);
      assert.equal(await page.locator("button:not(.word) >> visible=true").count(), 0, "no buttons on paper");
      const cut = await page.locator(".handout").evaluate((handout) => {
        const wide = (e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
        const all = [...handout.querySelectorAll("*")];
        const out = (e) => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth;
        return all.filter((e) => !e.closest("math") && (wide(e) || out(e))).map((e) => e.textContent.slice(0, 60));
      });
      assert.deepEqual(cut, [], title);
      await page.emulateMedia({ media: null });
    }
  });

  it("reads progress codes", { hash: "#/learn" }, async (page) => {
    await page.locator(".lessons").waitFor();
    await page.evaluate(() => (localStorage.setItem("omega-lessons", "1.1 1.2 2.4"), (location.hash = "#/learn?read=glossary")));
    await page.locator(".glossary").waitFor();
    await page.evaluate(() => (location.hash = "#/learn"));
    const code = await page.getByTestId("progress-code").textContent();
    await page.getByTestId("read-code").fill(code);
    await page.getByTestId("code-said").filter({ hasText: "lesson 1: 2 of 5, lesson 2: 1 of 6" }).waitFor();
    await page.getByTestId("read-code").fill(code.replace("3", "7"));
    await page.getByTestId("code-said").filter({ hasText: "does not fit" }).waitFor();
    await assertAccessible(page, "on the list of lessons");
  });

  it("hides what a prepared view locks, and nothing without it", { hash: "#/attention?lesson=1.2&whole=1" }, async (page) => {
    const hidden = {
      nav: "header nav[aria-label=Pages]",
      open: ".model-line",
      controls: ".columns .field",
      prompt: ".prompt form",
      exports: ".exports",
      lesson: ".lesson .steps",
    };
    await page.locator(".columns .field").first().waitFor();
    for (const selector of Object.values(hidden)) await page.locator(`${selector} >> visible=true`).first().waitFor();
    for (const [name, selector] of Object.entries(hidden)) {
      await page.evaluate((name) => (location.hash = `#/attention?lesson=1.2&lock=${name}&whole=1`), name);
      await page.locator(`.lock-${name}`).waitFor();
      assert.equal(await page.locator(`${selector} >> visible=true`).count(), 0, `${name} hides ${selector}`);
    }
    // The next step is as locked as this one.
    assert.match(await page.locator(".turn a.on").getAttribute("href"), /lock=lesson/);
  });

  it("lights what words name, by pointer, by focus and by touch", { hash: "#/learn" }, async (page) => {
    await page.locator(".lessons").waitFor();
    let words = 0;
    for (const [l, name] of LESSONS.entries()) {
      for (const [s, step] of steps(name).entries()) {
        if (!step.lights) continue;
        await open(page, step, `${l + 1}.${s + 1}`);
        const all = await page.locator(".lesson .light").all();
        assert.equal(all.length, step.lights, `${step.title}: every word is set`);
        for (const word of all) {
          words += 1;
          const glowing = () => page.evaluate(() => [...document.querySelectorAll("section.page:not([hidden]) .on-stage *")].filter((e) => e.getClientRects().length && /drop-shadow/.test(getComputedStyle(e).filter)).length);
          assert.equal(await glowing(), 0, `${step.title}: nothing glows by itself`);
          await word.focus();
          assert.ok((await glowing()) > 0, `${step.title}: “${await word.textContent()}” lights nothing by focus`);
          await word.blur();
          await word.hover();
          assert.ok((await glowing()) > 0, `${step.title}: “${await word.textContent()}” lights nothing by pointer`);
          await page.mouse.move(0, 0);
        }
      }
    }
    assert.ok(words >= 15, `${words} words`);
    await withPage(session, { hash: "#/attention?dest=14&head=3&layer=1&lesson=1.1", viewport: { width: 390, height: 844 }, hasTouch: true }, async (phone) => {
      await phone.locator(".arc-words .dest").waitFor();
      await phone.locator(".lesson .light").first().tap();
      await phone.waitForFunction(() => /drop-shadow/.test(getComputedStyle(document.querySelector(".arc-words .dest")).filter));
    });
  });

  it("opens the glossary in place and at the word", { hash: "#/heads?head=0&layer=1&lesson=2.1" }, async (page) => {
    const word = page.locator(".lesson .word", { hasText: "rank" });
    await word.focus();
    await page.keyboard.press("Enter");
    await page.locator(".lesson .in-place", { hasText: "tell apart" }).waitFor();
    assert.equal(await word.getAttribute("aria-expanded"), "true");
    assert.equal(await page.evaluate(() => document.querySelector(".in-place").previousElementSibling.contains(document.activeElement)), true, "it opens under its paragraph");
    await assertAccessible(page, "with a word open");
    await page.keyboard.press("Escape");
    await page.locator(".lesson .in-place").waitFor({ state: "detached" });
    assert.equal(await word.getAttribute("aria-expanded"), "false");
    await page.goto(`${session.address}#/learn?read=glossary&word=MMCS`);
    await page.locator(".glossary dt.chosen", { hasText: "MMCS" }).waitFor();
    await assertAccessible(page, "in the glossary");
    await page.goto(`${session.address}#/learn?read=teachers`);
    await page.getByRole("heading", { name: "For teachers" }).waitFor();
    await assertAccessible(page, "on the teachers' page");
  });
});

describe("without a network", () => {
  let session, copy;
  const offline = (folder) => execFileSync("node", [join(ROOT, ".ci/offline.mjs"), folder]);
  before(async () => {
    session = await start();
    copy = mkdtempSync(join(tmpdir(), "omega-dist-"));
    cpSync(DIST, copy, { recursive: true, filter: (path) => !/\/\.(stage|built)/.test(path) });
    offline(copy);
    assert.ok(existsSync(join(copy, "sw.js")));
  });
  after(async () => {
    await session?.stop();
    rmSync(copy, { recursive: true, force: true });
  });

  const installed = (page) => page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active.state));
  /** A server is gone on purpose: the browser's look for a newer version fails. */
  const expected = [/sw\.js/, /ERR_CONNECTION_REFUSED/, /ERR_FAILED/];

  test("everything works with the server stopped", async () => {
    const server = await serve(copy, { prefix: "/class/room/" });
    await withPage({ ...session, address: `${server.address}?offline` }, { hash: "#/heads", expected }, async (page) => {
      await complete(page);
      await installed(page);
      // From now on the service worker sees what is read: a step is kept when it is.
      await page.reload();
      await complete(page);
      await page.evaluate(() => (location.hash = "#/attention?step=0"));
      await model(page).filter({ hasText: "step 0" }).waitFor();
      // The last step, which the page opens, and the one that was asked for.
      await page.waitForFunction(async () => {
        const [name] = await caches.keys();
        const kept = await (await caches.open(name)).keys();
        return kept.filter(({ url }) => /step-\d+/.test(url)).length === 2;
      });
      await page.evaluate(() => (location.hash = "#/heads"));
      await server.close();
      await page.reload();
      await complete(page);
      await page.evaluate(() => (location.hash = "#/heads?head=0&layer=1&lesson=2.1"));
      await page.locator(".lesson h2").waitFor();
      await play(page, steps(LESSONS[1])[0]);
      await page.evaluate(() => (location.hash = "#/attention?step=0"));
      await model(page).filter({ hasText: "step 0" }).waitFor();
      await page.getByTestId("next").waitFor();
      await page.evaluate(() => (location.hash = "#/toy?at=100"));
      await page.locator("section.page.toy figure").first().waitFor();
    });
  });

  test("a newer version is announced, and comes when asked for", async () => {
    const server = await serve(copy, { prefix: "/class/room/" });
    await withPage({ ...session, address: `${server.address}?offline` }, { hash: "#/learn" }, async (page) => {
      await page.locator(".lessons").waitFor();
      await installed(page);
      await page.reload();
      await page.locator(".lessons").waitFor();
      appendFileSync(join(copy, "icon.svg"), "<!-- newer -->");
      offline(copy);
      await page.reload();
      await page.getByText("A newer version of this page is ready.").waitFor();
      const old = await page.evaluate(() => caches.keys());
      assert.equal(old.length, 2, "the old version is there until the reader lets it go");
      await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "reload" }).click()]);
      await page.locator(".lessons").waitFor();
      await page.waitForFunction(async () => (await caches.keys()).length === 1);
      assert.equal(await page.getByText("A newer version of this page is ready.").count(), 0);
    });
    await server.close();
  });

  test("can be installed", async () => {
    const server = await serve(copy);
    await withPage({ ...session, address: server.address }, { hash: "#/learn" }, async (page) => {
      const cdp = await page.context().newCDPSession(page);
      const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
      // A window of these tests is private, and a private window installs nothing.
      assert.deepEqual(installabilityErrors.map((e) => e.errorId).filter((id) => id !== "in-incognito"), []);
    });
    await server.close();
  });
});
