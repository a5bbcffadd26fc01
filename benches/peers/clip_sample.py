"""Writes a folder as the bench hands it to the clip peers, to try them without a build: clip_sample.py FOLDER [FRAMES]."""
import json
import os
import sys

import numpy
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS = 1080, 1920, 30
SCENE, FADE, CAPTION = 120, 15, 60
FONTS = os.path.join(os.path.dirname(__file__), "../../assets/vendor/fonts/be-vietnam-pro")
NAVY, RED, GOLD, WHITE = (11, 37, 89), (168, 20, 24), (255, 204, 51), (255, 255, 255)
TITLES = [
    "Hỗ trợ 2,5 triệu hộ dân vùng sâu, vùng xa tiếp cận Internet tốc độ cao",
    "Đến hết năm 2026, 100% thôn, bản có điện lưới được phủ sóng 4G hoặc 5G",
    "Mỗi hộ nghèo được hỗ trợ 500.000 đồng để mua điện thoại thông minh",
    "Danh sách hộ được hỗ trợ phải công khai tại nhà văn hóa thôn, bản",
]
CAPTIONS = [
    "Chính phủ vừa ban hành Nghị quyết về", "phổ cập hạ tầng số, ưu tiên các thôn,", "bản đặc biệt khó khăn ở miền núi.",
    "Đến hết năm 2026, mọi thôn, bản", "có điện lưới được phủ sóng di động.", "Mỗi hộ nghèo được hỗ trợ",
    "500.000 đồng và miễn phí gói cước.", "Các địa phương công khai danh sách", "trước ngày 15/12.", "Đọc toàn văn trên Cổng Minh Họa.",
]


def font(weight, size):
    return ImageFont.truetype(os.path.join(FONTS, f"BeVietnamPro_{weight}.ttf"), size)


def landscape(seed, width, height):
    """Hills under a sky, with grain: something an encoder has to work for."""
    y, x = numpy.mgrid[0:height, 0:width] / numpy.array([height, width]).reshape(2, 1, 1)
    colour = numpy.stack([70 + 190 * y, 130 + 130 * y, 215 + 40 * y])
    for depth in range(5):
        near = (depth + 1) / 5
        ridge = 0.34 + 0.13 * depth + 0.07 * numpy.sin(x * (5 + depth * 2.3) + seed * 1.7 + depth)
        ridge += 0.025 * numpy.sin(x * (17 + depth * 5) + seed) + 0.006 * numpy.sin(x * 90 + depth * 3)
        terrace = 8 * numpy.sin((y - ridge) * 160 / (0.6 + near))
        hill = [
            70 + 60 * (1 - near) + terrace + 18 * numpy.sin(seed * 2 + depth),
            120 + 40 * (1 - near) + terrace - 30 * near,
            60 + 90 * (1 - near) - 30 * near + 0 * terrace,
        ]
        colour = numpy.where(y > ridge, numpy.stack(hill), colour)
    chance = numpy.random.default_rng(seed)
    fine = chance.uniform(-5, 5, (height, width))
    coarse = numpy.kron(chance.uniform(-3, 3, (height // 3 + 1, width // 3 + 1)), numpy.ones((3, 3)))[:height, :width]
    return Image.fromarray(numpy.clip(colour + fine + coarse, 0, 255).astype("uint8").transpose(1, 2, 0))


def lines(words, face, width):
    out = [""]
    for word in words.split():
        longer = f"{out[-1]} {word}".strip()
        out = out[:-1] + [longer] if face.getlength(longer) <= width else out + [word]
    return out


def card(number, title):
    face, rows = font("700Bold", 58), lines(title, font("700Bold", 58), 840)
    picture = Image.new("RGBA", (960, 150 + 76 * len(rows)))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, 959, picture.height - 1), 24, (*NAVY, 224))
    pen.rectangle((0, 24, 11, picture.height - 25), (*RED, 255))
    pen.text((60, 40), f"ĐIỂM CHÍNH {number}/4", GOLD, font("600SemiBold", 34))
    for row, words in enumerate(rows):
        pen.text((60, 100 + 76 * row), words, WHITE, face)
    return picture


def caption(words):
    picture = Image.new("RGBA", (1000, 84))
    pen = ImageDraw.Draw(picture)
    half = font("600SemiBold", 40).getlength(words) / 2 + 28
    pen.rounded_rectangle((500 - half, 0, 500 + half, 83), 16, (0, 0, 0, 150))
    pen.text((500, 42), words, WHITE, font("600SemiBold", 40), anchor="mm")
    return picture


def scrim():
    alpha = numpy.linspace(0, 170, 900).astype("uint8")[:, None].repeat(WIDTH, 1)
    picture = Image.new("RGBA", (WIDTH, 900))
    picture.putalpha(Image.fromarray(alpha))
    return picture


def lower_third():
    picture = Image.new("RGBA", (WIDTH, 140), (*RED, 235))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((40, 24, 124, 108), GOLD)
    pen.text((150, 20), "CỔNG THÔNG TIN MINH HỌA", WHITE, font("700Bold", 40))
    pen.text((150, 74), "Tin của cơ quan nhà nước", WHITE, font("500Medium", 30))
    return picture


def code():
    """Looks like a QR code and costs the encoder as much; it is none."""
    modules = numpy.random.default_rng(7).integers(0, 2, (29, 29))
    for top, left in ((0, 0), (0, 22), (22, 0)):
        modules[max(top - 1, 0):top + 8, max(left - 1, 0):left + 8] = 0
        modules[top:top + 7, left:left + 7] = 1
        modules[top + 1:top + 6, left + 1:left + 6] = 0
        modules[top + 2:top + 5, left + 2:left + 5] = 1
    modules = numpy.pad(modules, 4)
    picture = Image.fromarray(((1 - modules) * 255).astype("uint8")).resize((518, 518), Image.Resampling.NEAREST)
    return picture.convert("RGBA")


def address():
    picture = Image.new("RGBA", (960, 170))
    pen = ImageDraw.Draw(picture)
    pen.text((480, 40), "Đọc toàn văn tại", WHITE, font("500Medium", 44), anchor="mm")
    pen.text((480, 116), "loa.example.gov.vn", GOLD, font("800ExtraBold", 64), anchor="mm")
    return picture


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("clip_sample.py: wants FOLDER [FRAMES]")
    folder, wanted = sys.argv[1], int((sys.argv + ["600"])[2])
    if not os.path.isdir(FONTS):
        sys.exit("clip_sample.py: the fonts are missing, make setup fetches them")
    os.makedirs(folder, exist_ok=True)

    def layer(name, picture, x, y, start=0, frames=None, enter=0, rise=0, leave=0):
        picture.save(os.path.join(folder, name))
        return {"file": name, "x": x, "y": y, "start": start, "frames": frames, "enter": enter, "rise": rise, "leave": leave}

    scenes = []
    for number, title in enumerate(TITLES):
        name = f"photo-{number}.jpg"
        landscape(number + 1, 2400, 1600).save(os.path.join(folder, name), quality=90)
        wide, near = {"x": 0.35, "y": 0.5, "zoom": 1.0}, {"x": 0.65, "y": 0.4, "zoom": 1.13}
        start, end = (wide, near) if number % 2 == 0 else (near, wide)
        layers = [
            layer("scrim.png", scrim(), 0, 1020),
            layer(f"card-{number}.png", card(number + 1, title), 60, 1000, start=6, frames=SCENE - 12, enter=15, rise=80, leave=8),
        ]
        photo = {"file": name, "width": 2400, "height": 1600}
        scenes.append({"photo": photo, "from": start, "to": end, "layers": layers})
    end = [layer("code.png", code(), 280, 560), layer("address.png", address(), 60, 1140)]
    scenes.append({"photo": None, "from": None, "to": None, "layers": end})
    for number, scene in enumerate(scenes):
        scene.update(start=number * SCENE, frames=SCENE, fade=FADE if number else 0)
    overlays = [layer("lower.png", lower_third(), 0, 1772)]
    for number, words in enumerate(CAPTIONS):
        overlays.append(layer(f"caption-{number}.png", caption(words), 40, 1620, start=number * CAPTION, frames=CAPTION))

    scenes = [scene for scene in scenes if scene["start"] < wanted]
    scenes[-1]["frames"] = min(SCENE, wanted - scenes[-1]["start"])
    frames = scenes[-1]["start"] + scenes[-1]["frames"]
    overlays = [overlay for overlay in overlays if overlay["start"] < frames]
    colour = "#{:02x}{:02x}{:02x}"
    spec = {
        "width": WIDTH, "height": HEIGHT, "fps": FPS, "frames": frames,
        "ground": colour.format(*NAVY), "bar": {"height": 8, "colour": colour.format(*GOLD)},
        "scenes": scenes, "overlays": overlays,
    }
    with open(os.path.join(folder, "spec.json"), "w", encoding="utf-8") as out:
        json.dump(spec, out, indent=1)


main()
