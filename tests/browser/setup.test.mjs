// The way of whoever starts Loa for the first time: from an installation in which nobody is to an account that works and a
// second person, by mouse and again by keyboard alone, on a wide and a narrow screen.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WIDTHS, keep, open, person, serve, wrong } from "./support.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser?.close());

// As far as it takes by Tab; what has the focus shows it.
async function reach(page, what) {
  for (let presses = 0; presses < 150; presses++) {
    if (await page.evaluate((what) => document.activeElement?.matches(what), what)) {
      assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", `${what} does not show that it has the focus`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`${what} is not reached by Tab`);
}

async function press(page, how, what) {
  if (how === "mouse") return page.click(what);
  await reach(page, what);
  await page.keyboard.press("Enter");
}

async function write(page, how, what, words) {
  if (how === "mouse") return page.fill(what, words);
  await reach(page, what);
  await page.keyboard.type(words);
}

for (const how of ["mouse", "keyboard"]) {
  for (const width of WIDTHS) {
    const lang = how === "keyboard" ? "en" : "vi";
    describe(`the first person, by ${how} at ${width} px`, () => {
      let newsroom;
      before(async () => { newsroom = await serve("new"); });
      after(() => newsroom?.stop());

      it("sets Loa up, connects an account and invites a second person", async () => {
        const { page, context, faults } = await person(browser, newsroom, "", { width, dark: how === "keyboard" });
        const found = [];
        const look = async (name) => {
          found.push(...(await wrong(page)).map((fault) => `${name}: ${fault}`));
          await keep(page, `setup-${name}-${width}-${lang}`);
        };
        await page.goto(newsroom.base);
        await page.waitForURL(/cai-dat/);
        if (lang === "en") await press(page, how, "button[name=speak]");
        await page.waitForSelector(`html[lang=${lang}] #code`);
        await look("door");
        await write(page, how, "#code", "sai-sai-sai");
        await press(page, how, "form button.primary");
        await page.waitForSelector(".alert");
        await look("wrong-code");
        // A refusal is told on the console of the browser as well.
        faults();
        await write(page, how, "#code", newsroom.code.match(/.{4}/g).join("-"));
        await press(page, how, "form button.primary");
        await page.waitForSelector("#title");
        await look("form");
        await write(page, how, "#title", "Cổng Thông tin điện tử Minh Họa");
        await write(page, how, "#name", "Hoàng Thị Quản");
        await write(page, how, "#login", "quan");
        await write(page, how, "#password", newsroom.password);
        await write(page, how, "#again", "khác hẳn mật khẩu trên");
        await press(page, how, "form button.primary");
        await page.waitForSelector(".alert");
        assert.equal(await page.inputValue("#title"), "Cổng Thông tin điện tử Minh Họa");
        assert.equal(await page.inputValue("#password"), "");
        await look("form-refused");
        faults();
        await write(page, how, "#password", newsroom.password);
        await write(page, how, "#again", newsroom.password);
        await press(page, how, "form button.primary");
        await page.waitForSelector(".start .next");
        await look("begun");
        await press(page, how, ".start .next a");
        await page.waitForURL(/kenh\/them$/);
        await look("choose");
        await press(page, how, "a[href='/kenh/them/facebook']");
        await page.waitForSelector("#remote_id");
        await look("connect");
        await write(page, how, "#remote_id", "1029384756");
        await write(page, how, "[name='secret.page_token']", "refused");
        await press(page, how, "form.connect button.primary");
        await page.waitForSelector(".alert");
        await look("refused");
        await write(page, how, "[name='secret.page_token']", "EAAG-good");
        await press(page, how, "form.connect button.primary");
        await page.waitForSelector(".note.good");
        await look("connected");
        await page.goto(newsroom.base);
        assert.match(await page.getAttribute(".start .next a", "href"), /quan-tri/);
        await press(page, how, ".start .next a");
        await page.waitForURL(/quan-tri/);
        await page.waitForSelector("form.new #login");
        await write(page, how, "#login", "minh");
        await write(page, how, "#name", "Trần Văn Minh");
        if (how === "mouse") await page.check("form.new [name=approver]");
        else { await reach(page, "form.new [name=approver]"); await page.keyboard.press("Space"); }
        await press(page, how, "form.new button.primary");
        await page.waitForSelector("#given");
        await page.goto(newsroom.base);
        // Pictures carry the agency's own name from the start; its administrator looks at it and adds what is missing.
        assert.equal(await page.getAttribute(".start .next a", "href"), "/quan-tri/nhan-dien/bo?ten=co-quan");
        await press(page, how, ".start .next a");
        await page.waitForSelector("#tagline");
        assert.equal(await page.inputValue("#title_vi"), "Cổng Thông tin điện tử Minh Họa");
        await write(page, how, "#tagline", "minhhoa.example");
        await press(page, how, "#kit button[value=keep]");
        await page.waitForURL(/giu=co-quan/);
        await page.goto(newsroom.base);
        assert.equal(await page.getAttribute(".start .next a", "href"), "/#source");
        await look("article-next");
        assert.deepEqual(faults(), []);
        const gone = await page.goto(`${newsroom.base}/cai-dat`);
        assert.equal(gone.status(), 404);
        await context.close();
        assert.deepEqual(found, [], found.join("\n"));
      });
    });
  }
}
