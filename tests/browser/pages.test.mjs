// Every page in every state: no rule of accessibility is broken, nothing is on the console, nothing scrolls sideways. What
// they look like is left in target/screens.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LANGUAGES, WIDTHS, keep, open, person, serve, wrong } from "./support.mjs";

let browser;
before(async () => { browser = await open(); });
after(() => browser?.close());

// Paths by the name of their picture.
async function pages(newsroom, page, kind) {
  const calendar = (view) => `/lich?xem=${view}`;
  const fixed = {
    articles: "/", posts: "/bai-dang", approvals: "/duyet", attention: "/can-xu-ly", channels: "/kenh", reach: "/bao-cao", start: "/bat-dau",
    month: calendar("thang"), week: calendar("tuan"), day: calendar("ngay"), list: calendar("danh-sach"), "calendar-file": "/lich/nhap", feeds: "/nguon",
  };
  if (kind === "empty") return fixed;
  if (kind === "month") return Object.fromEntries(["month", "week", "day", "list"].map((name) => [name, fixed[name]]));
  const reports = { "reach-posts": "bai-dang", "reach-hours": "khung-gio", "reach-work": "van-hanh" };
  const measured = {
    ...Object.fromEntries(Object.entries(reports).map(([name, path]) => [name, `/bao-cao/${path}`])),
    reach: fixed.reach, "reach-population": "/bao-cao/dan-so", "reach-article": newsroom.article.replace("/bai-viet/", "/bao-cao/bai-viet/"),
  };
  if (kind === "measured") return measured;
  const { items: posts } = await page.evaluate(async () => (await fetch("/api/v1/posts?limit=200")).json());
  const states = [...new Set(posts.map((post) => post.state))];
  const one = (state) => posts.find((post) => post.state === state).id;
  const draft = (channel) => posts.find((post) => post.state === "draft" && post.account.startsWith(channel)).id;
  const drafts = ["zalo", "viber", "youtube"].map((channel) => [`words-${channel}`, `/bai-dang/${draft(channel)}/sua`]);
  const { items: feeds } = await page.evaluate(async () => (await fetch("/api/v1/feeds")).json());
  return {
    ...fixed,
    account: "/kenh/facebook:cong-tin",
    "account-refused": "/kenh/zalo:cong-tin",
    found: "/?q=ho+tro&status=trouble",
    "found-nothing": "/?q=khong+co+gi",
    article: newsroom.article,
    "take-down": `${newsroom.article}/go`,
    ...Object.fromEntries(["short_clip", "low_band", "poster"].map((kind) => [`article-${kind}`, `${newsroom.article}?ban=${kind}`])),
    ...Object.fromEntries(["infographic", "short_clip", "long_clip", "low_band", "audio"].map((kind) => [`edit-${kind}`, `${newsroom.article}?sua=${kind}`])),
    light: newsroom.light,
    ...Object.fromEntries(feeds.map((feed, n) => [`feed-${n}`, `/nguon/${feed.id}`])),
    ...Object.fromEntries(states.map((state) => [`post-${state}`, `/bai-dang/${one(state)}`])),
    ...Object.fromEntries(drafts),
    "words-signed": `/bai-dang/${one("scheduled")}/sua`,
    "words-live": `/bai-dang/${one("published")}/sua`,
  };
}

for (const kind of ["states", "empty", "month", "measured"]) {
  describe(`the newsroom, ${kind}`, () => {
    let newsroom;
    before(async () => { newsroom = await serve(kind); });
    after(() => newsroom?.stop());
    const looks = WIDTHS.flatMap((width) => LANGUAGES.map((lang) => ({ width, lang }))).concat({ width: 1440, lang: "vi", dark: true });
    for (const look of looks) {
      const named = [look.width, look.lang, look.dark && "dark"].filter(Boolean).join("-");
      it(named, async () => {
        const { page, context, faults } = await person(browser, newsroom, "soan", look);
        const found = [];
        for (const [name, path] of Object.entries(await pages(newsroom, page, kind))) {
          await page.goto(newsroom.base + path);
          await page.waitForLoadState("load");
          const here = [...(await wrong(page)), ...faults()];
          found.push(...here.map((fault) => `${path}: ${fault}`));
          await keep(page, `${kind}-${name}-${named}`);
        }
        await context.close();
        assert.deepEqual(found, [], found.join("\n"));
      });
    }
    it("what administrators and auditors see", async () => {
      for (const look of looks) {
        const { page, context, faults } = await person(browser, newsroom, "quantri", look);
        const named = [look.width, look.lang, look.dark && "dark"].filter(Boolean).join("-");
        const found = [];
        const seen = { people: "/quan-tri", agencies: "/quan-tri/co-quan", tokens: "/quan-tri/ma", own: "/toi", audit: "/nhat-ky", "audit-open": "/nhat-ky?open=3", "channels-admin": "/kenh", "account-choose": "/kenh/them", halt: "/kenh/dung", "account-new": "/kenh/them/facebook", start: "/bat-dau", brands: "/quan-tri/nhan-dien", "brand-new": "/quan-tri/nhan-dien/bo", "reach-agencies": "/bao-cao?by=agency", population: "/bao-cao/dan-so" };
        if (kind === "states") Object.assign(seen, { "brand-change": "/quan-tri/nhan-dien/bo?ten=nong-nghiep", "brand-long": "/quan-tri/nhan-dien/bo?ten=dieu-hanh" });
        for (const [name, path] of Object.entries(seen)) {
          await page.goto(newsroom.base + path);
          await page.waitForLoadState("load");
          found.push(...(await wrong(page)), ...faults());
          await keep(page, `${kind}-${name}-${named}`);
        }
        await context.close();
        assert.deepEqual(found, [], found.join("\n"));
      }
    });
    it("signed out", async () => {
      for (const width of WIDTHS) {
        const { page, context, faults } = await person(browser, newsroom, "", { width });
        await page.goto(`${newsroom.base}/dang-nhap`);
        const found = [...(await wrong(page)), ...faults()];
        await keep(page, `${kind}-sign-in-${width}`);
        await page.goto(`${newsroom.base}/khong-co-trang-nay`);
        // That the page is not there is on the console.
        found.push(...(await wrong(page)));
        await keep(page, `${kind}-not-found-${width}`);
        await context.close();
        assert.deepEqual(found, [], found.join("\n"));
      }
    });
  });
}

// Pages of what is printed, as Chromium writes them.
const sheets = (pdf) => pdf.toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;

describe("on paper", () => {
  for (const [kind, path, most, must] of [
    ["month", "/lich?xem=thang", 1, ".entry > .open"],
    ["month", "/lich?xem=tuan", 1, ".entry > .open"],
    ["month", "/bai-dang", 4, ".paper"],
    ["measured", "/bao-cao", 3, ".figure .big"],
  ]) {
    it(`${kind} ${path}`, async () => {
      const newsroom = await serve(kind);
      const { page, context } = await person(browser, newsroom, "quantri");
      await page.goto(newsroom.base + path);
      const pdf = await page.pdf({ preferCSSPageSize: true });
      await page.emulateMedia({ media: "print" });
      assert.ok(await page.locator(must).first().isVisible(), `${must} is not on paper`);
      assert.equal(await page.locator("nav.pager, .files-row, .tabs").filter({ visible: true }).count(), 0);
      await context.close();
      newsroom.stop();
      const found = sheets(pdf);
      assert.ok(found >= 1 && found <= most, `${found} pages`);
    });
  }
});

describe("on a slow line", () => {
  let newsroom;
  before(async () => { newsroom = await serve("measured"); });
  after(() => newsroom?.stop());
  it("nothing of clips and pictures is fetched before somebody comes near them", async () => {
    const { page, context } = await person(browser, newsroom, "soan", { width: 360 });
    const fetched = [];
    page.on("request", (request) => request.url().includes("/tep/") && fetched.push(request.url()));
    await page.goto(newsroom.base + newsroom.article);
    await page.waitForTimeout(500);
    assert.deepEqual(fetched, []);
    const clip = page.locator(".post video:not([poster])").first();
    const source = await clip.getAttribute("src");
    const asked = page.waitForRequest((request) => request.url().endsWith(source), { timeout: 5000 });
    await clip.scrollIntoViewIfNeeded();
    await asked;
    await context.close();
  });
});
