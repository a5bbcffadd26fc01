// The way of each of the three people through the pages, by mouse and again by keyboard alone, on a wide and a narrow screen.
import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, it } from "node:test";
import { WIDTHS, open, person, serve, wrong } from "./support.mjs";

let browser, newsroom;
before(async () => { browser = await open(); });
after(() => browser?.close());

// Presses something as a person does: by a click, or by Tab until it has the focus, and Enter.
async function press(page, how, what) {
  if (how === "mouse") return page.click(what);
  await reach(page, what);
  await page.keyboard.press("Enter");
}

// As far as it takes by Tab.
async function reach(page, what) {
  for (let presses = 0; presses < 250; presses++) {
    if (await page.evaluate((what) => document.activeElement?.matches(what), what)) {
      const seen = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(seen, "none", `${what} does not show that it has the focus`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`${what} is not reached by Tab`);
}

async function write(page, how, where, words) {
  if (how === "mouse") return page.fill(where, words);
  await reach(page, where);
  await page.keyboard.type(words);
}

const posts = (page) => page.evaluate(async () => (await (await fetch("/api/v1/posts?limit=200")).json()).items);
const state = async (page, id) => (await posts(page)).find((post) => post.id === id)?.state;

for (const how of ["mouse", "keyboard"]) {
  for (const width of WIDTHS) {
    describe(`by ${how} at ${width} px`, () => {
      const lang = how === "keyboard" ? "en" : "vi";
      beforeEach(async () => { newsroom = await serve("states"); });
      afterEach(() => newsroom?.stop());

      it("who administers adds an agency, acts for it, lets a colleague in and comes back", async () => {
        const { page, context, faults } = await person(browser, newsroom, "quantri", { width, lang });
        const stale = await context.newPage();
        await stale.goto(`${newsroom.base}/quan-tri`);
        await page.goto(`${newsroom.base}/quan-tri/co-quan`);
        await write(page, how, "#title", "Báo Thử nghiệm");
        await write(page, how, "#name", "bao-thu");
        await press(page, how, "section[aria-labelledby=h-add] button.primary");
        await page.waitForSelector(".once [name=agency]");
        await press(page, how, ".once [name=agency]");
        await page.waitForURL(`${newsroom.base}/`);
        await page.waitForSelector(".who .agency:has-text('Báo Thử nghiệm')");
        // The tab that was open before would write into the new agency: it says so and sends nothing.
        await stale.waitForSelector(".moved");
        await stale.fill("#guest", "soan");
        await stale.press("#guest", "Enter");
        assert.equal(await stale.evaluate(() => document.activeElement.className), "alert moved");
        await page.goto(`${newsroom.base}/quan-tri`);
        await write(page, how, "#guest", "soan");
        if (how === "mouse") await page.check("form[action='/quan-tri/moi'] [name=editor]");
        else {
          await reach(page, "form[action='/quan-tri/moi'] [name=editor]");
          await page.keyboard.press("Space");
        }
        await press(page, how, "form[action='/quan-tri/moi'] button");
        await page.waitForSelector(".people code:text-is('soan')");
        await press(page, how, ".who summary");
        await press(page, how, ".who [name=agency][value=demo]");
        await page.waitForSelector(".who .agency:has-text('Cổng Thông tin điện tử Minh Họa')");
        await stale.waitForSelector(".moved", { state: "detached" });
        // The switch of the agency is pressed as it is drawn, on and off again.
        await page.goto(`${newsroom.base}/quan-tri/co-quan`);
        const alone = "form[action='/quan-tri/co-quan/demo/ky-mot-minh'] button";
        await press(page, how, `${alone}[value=true]`);
        await page.waitForSelector(`${alone}[value=false]`);
        await press(page, how, `${alone}[value=false]`);
        await page.waitForSelector(`${alone}[value=true]`);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who is added chooses a password of their own before anything else answers", async () => {
        const { page, context, faults } = await person(browser, newsroom, "quantri", { width, lang });
        await page.goto(`${newsroom.base}/quan-tri`);
        const form = "form.new[action='/quan-tri/nguoi']";
        await write(page, how, "#login", "moi.nguoi");
        await write(page, how, "#name", "Phạm Văn Mới");
        await page.check(`${form} [name=author]`);
        await press(page, how, `${form} button.primary`);
        const given = await page.inputValue("#given");
        // Reloading sends no form again and shows no password twice.
        await page.reload();
        assert.equal(await page.$("#given"), null);
        assert.equal(await page.$(".alert"), null);
        await page.click("form[action='/dang-xuat'] button");
        await page.fill("#login", "moi.nguoi");
        await page.fill("#password", given);
        await press(page, how, "form[action='/dang-nhap'] button");
        await page.waitForURL(`${newsroom.base}/toi/mat-khau`);
        assert.deepEqual(await wrong(page), []);
        await page.goto(`${newsroom.base}/bai-dang`);
        await page.waitForURL(`${newsroom.base}/toi/mat-khau`);
        await write(page, how, "#old", given);
        await write(page, how, "#new", "một mật khẩu của riêng tôi");
        await press(page, how, "form[action='/toi/mat-khau'] button");
        await page.waitForURL(`${newsroom.base}/`);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who writes adds an article, finds it and submits a post", async () => {
        const { page, context, faults } = await person(browser, newsroom, "soan", { width, lang });
        await write(page, how, "#source", "https://minhhoa.example/bai-moi.htm");
        await press(page, how, "form[action='/bai-viet'] button");
        await page.waitForSelector(".job:has-text('bai-moi.htm')");
        await page.goto(newsroom.base);
        await write(page, how, "[name=q]", "sinh ke mien nui");
        await press(page, how, ".seek button");
        await page.waitForURL(/q=sinh/);
        await press(page, how, `.article-row a[href='${newsroom.article}']`);
        await page.waitForURL((url) => url.pathname === newsroom.article);
        // Every state is in this newsroom; the draft that can go is the one whose button is there.
        const drafts = (await posts(page)).filter((post) => post.state === "draft");
        for (const { id } of drafts) {
          await page.goto(`${newsroom.base}/bai-dang/${id}`);
          if (!(await page.$(`form[action='/bai-dang/${id}/gui-duyet']`))) continue;
          await press(page, how, `form[action='/bai-dang/${id}/gui-duyet'] button`);
          await page.waitForSelector(".post .state.in_review, .post .alert");
          if ((await state(page, id)) === "in_review") break;
        }
        const waiting = (await posts(page)).filter((post) => drafts.some(({ id }) => id === post.id) && post.state === "in_review");
        assert.equal(waiting.length, 1);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who writes edits a post in its frame, takes a suggestion and keeps it", async () => {
        const { page, context, faults } = await person(browser, newsroom, "soan", { width, lang });
        const { id } = (await posts(page)).find((post) => post.state === "draft" && post.account.startsWith("viber"));
        await page.goto(`${newsroom.base}/bai-dang/${id}`);
        await press(page, how, `.actions a[href='/bai-dang/${id}/sua']`);
        await page.waitForURL(/sua$/);
        const counted = await page.textContent("[data-count=text]");
        if (how === "mouse") await page.click("#f-text");
        else await reach(page, "#f-text");
        await page.keyboard.press("Control+Home");
        await page.keyboard.type("Bão số 9. ");
        // Counter and frame follow, as the server counts and draws.
        await page.waitForFunction((before) => document.querySelector("[data-count=text]").textContent !== before, counted);
        await page.waitForFunction(() => document.querySelector("[data-frame]").textContent.includes("Bão số 9. "));
        await press(page, how, "[name=fix][value='text too_long']");
        await page.waitForSelector(".proposal del");
        assert.ok(!(await page.$eval("[data-count=text]", (counter) => counter.classList.contains("over"))));
        await press(page, how, ".proposal button.primary");
        await page.waitForURL((url) => url.pathname === `/bai-dang/${id}`);
        assert.match(await page.textContent(".post .rewritten summary"), /Nguyễn Thị Mẫn/);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who writes changes the words of the card, takes the article's back, and has it made without leaving the page", async () => {
        const { page, context, faults } = await person(browser, newsroom, "soan", { width, lang });
        await page.goto(newsroom.base + newsroom.article);
        await press(page, how, `.variant a[href*='sua=infographic']`);
        await page.waitForURL(/sua=infographic/);
        await page.waitForFunction(() => document.getElementById("told").textContent !== "" && !document.querySelector(".look.drawing"));
        const title = await page.inputValue("#title");
        if (how === "mouse") await page.click("#title");
        else await reach(page, "#title");
        // The sentence that it is from is lit.
        assert.ok(await page.evaluate(() => [...CSS.highlights.get("source")].some((range) => range.toString().length > 10)));
        await page.keyboard.press("Control+End");
        await page.keyboard.type(" hôm nay");
        await page.waitForSelector(".line .mark:not([hidden])");
        await page.waitForFunction(() => document.getElementById("look").alt.endsWith("hôm nay"));
        await press(page, how, ".line [data-restore]");
        assert.equal(await page.inputValue("#title"), title);
        assert.equal(await page.isVisible(".line .mark"), false);
        // The second point first, by its button.
        const first = () => page.getAttribute("[data-list=points] li:first-child textarea", "name");
        const before = await first();
        await press(page, how, "[data-list=points] li:nth-child(2) .moves button:first-child");
        assert.notEqual(await first(), before);
        // A figure is left out and its number has no field.
        await page.uncheck("[data-list=figures] > li:first-child [type=checkbox]");
        await press(page, how, ".make .primary");
        await page.waitForSelector(".now [data-progress]");
        assert.match(page.url(), /sua=infographic/);
        assert.notEqual(await first(), before, "the form stays as it is");
        const told = await page.evaluate(async (path) => (await fetch(path)).json(), `/api/v1/articles/${newsroom.article.split("/").pop()}/variants/infographic`);
        assert.equal(told.points[0].of, 1);
        assert.deepEqual([told.figures.at(-1).of, told.figures.at(-1).on], [0, false]);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who writes goes through a clip by its scenes", async () => {
        const { page, context, faults } = await person(browser, newsroom, "soan", { width, lang });
        await page.goto(`${newsroom.base}${newsroom.article}?ban=short_clip`);
        const scene = ".times li:nth-child(3)";
        await page.waitForSelector(`${scene} button.seek`);
        // Its film is no film: that it was asked for is what can be seen.
        const asked = () => page.evaluate(() => document.querySelector(".film video").error !== null);
        assert.equal(await asked(), false, "nothing is fetched before somebody wants it");
        await press(page, how, `${scene} button.seek`);
        await page.waitForFunction(() => document.querySelector(".film video").error !== null);
        if (how === "mouse") await page.hover(`${scene} [data-at]`);
        else await reach(page, `${scene} [data-at] a`);
        assert.ok(await page.evaluate(() => CSS.highlights.get("source").size > 0));
        // In the editor a line of a scene is written where it is told.
        await page.goto(`${newsroom.base}${newsroom.article}?sua=short_clip`);
        await page.waitForSelector(".desk.live");
        if (how === "mouse") await page.click(".scene:nth-child(2) textarea");
        else await reach(page, ".scene:nth-child(2) textarea");
        await page.keyboard.type("Mới: ");
        await page.waitForSelector(".scene:nth-child(2) .mark:not([hidden])");
        await press(page, how, ".make .primary");
        await page.waitForSelector(".now [data-progress]");
        assert.ok(faults().every((fault) => /media|tep/.test(fault)));
        await context.close();
      });

      it("who approves reads the queue, signs one post and returns another with a reason", async () => {
        const { page, context, faults } = await person(browser, newsroom, "duyet", { width, lang });
        const queue = (await posts(page)).filter((post) => post.state === "in_review");
        assert.ok(queue.length >= 2, "the newsroom has nothing to approve");
        await press(page, how, "nav a[href='/duyet']");
        await page.waitForURL(/duyet/);
        // A narrow screen begins with the list.
        const chosen = async () => new URL(page.url()).searchParams.get("bai") ?? (await page.getAttribute(".queue li.now", "id"))?.slice(5);
        const signable = (await page.$$eval(".queue input[name=post]", (boxes) => boxes.map((box) => box.value.split(":")[0])));
        assert.ok(signable.length >= 2);
        const [first, second] = signable;
        if (how === "mouse") {
          await page.click(`.queue a[href='/duyet?bai=${first}']`);
          await page.click("[data-key=approve]");
        } else {
          await reach(page, `.queue a[href='/duyet?bai=${first}']`);
          await page.keyboard.press("Enter");
          await page.waitForURL(new RegExp(first));
          // There and back again.
          await page.keyboard.press("j");
          await page.waitForFunction((first) => !location.search.includes(first), first);
          await page.keyboard.press("k");
          await page.waitForURL(new RegExp(first));
          assert.equal(await chosen(), first);
          await page.keyboard.press("a");
          assert.ok(await page.evaluate(() => document.activeElement.matches("[data-key=approve]")), "a reaches the button");
          assert.equal(await state(page, first), "in_review", "a key alone signs nothing");
          await page.keyboard.press("Enter");
        }
        await page.waitForLoadState("load");
        await page.waitForFunction(async (id) => (await (await fetch("/api/v1/posts?limit=200")).json()).items.find((post) => post.id === id).state !== "in_review", first);
        assert.ok(["scheduled", "approved", "ready"].includes(await state(page, first)));

        await page.goto(`${newsroom.base}/duyet?bai=${second}`);
        if (how === "keyboard") await page.keyboard.press("r");
        await write(page, how, "#why", "Thiếu nguồn của số liệu");
        await press(page, how, ".answers form[action$='/tra-lai'] button:not([formaction])");
        await page.waitForFunction(async (id) => (await (await fetch("/api/v1/posts?limit=200")).json()).items.find((post) => post.id === id).state === "returned", second);
        assert.deepEqual(faults(), []);
        await context.close();
      });

      it("who analyses chooses a period and a cut and takes the numbers along", async () => {
        newsroom.stop();
        newsroom = await serve("measured");
        const { page, context, faults } = await person(browser, newsroom, "duyet", { width, lang });
        await press(page, how, "nav a[href='/bao-cao']");
        await page.waitForURL(/bao-cao/);
        await press(page, how, ".ranges a[href*='days_90'], .ranges a[href*='90']");
        await page.waitForURL(/90/);
        // The numbers of the chart without pointing at a dot.
        const told = () => page.textContent(".chart .told");
        const last = await told();
        if (how === "mouse") await page.hover(".chart .drawing");
        else {
          await reach(page, ".chart .drawing");
          await page.keyboard.press("ArrowLeft");
        }
        assert.notEqual(await told(), last);
        await press(page, how, ".ranges a[href*='by=format']");
        await page.waitForURL(/by=format/);
        const csv = await page.getAttribute("a[href*='lan-toa.csv']", "href");
        const bytes = await page.evaluate(async (csv) => [...new Uint8Array(await (await fetch(csv)).arrayBuffer()).slice(0, 3)], csv);
        assert.deepEqual(bytes, [0xef, 0xbb, 0xbf], "Excel reads it as UTF-8");
        for (const tab of ["bai-dang", "khung-gio", "van-hanh"]) {
          await press(page, how, `.reach-tabs a[href*='${tab}']`);
          await page.waitForURL(new RegExp(tab));
        }
        assert.deepEqual(faults(), []);
        await context.close();
      });
    });
  }
}
