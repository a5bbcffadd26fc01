// The clip as a Remotion component. The format of the spec is told in benches/peers/README.md.
import { createElement as h } from "react";
import { AbsoluteFill, Img, Sequence, staticFile, useCurrentFrame, useVideoConfig } from "remotion";

const between = (from, to, time) => from + (to - from) * time;

/// The photo moved and scaled as a whole, so that the crop of this frame fills the picture; a layer of its own, which is cheaper to move.
function KenBurns({ scene, shown }) {
  const time = useCurrentFrame() / shown;
  const { width, height } = useVideoConfig();
  const { photo, from, to } = scene;
  const cropHeight = Math.min(photo.height, (photo.width * height) / width) / between(from.zoom, to.zoom, time);
  const cropWidth = (cropHeight * width) / height;
  const left = (photo.width - cropWidth) * between(from.x, to.x, time);
  const top = (photo.height - cropHeight) * between(from.y, to.y, time);
  const transform = `scale(${height / cropHeight}) translate(${-left}px, ${-top}px)`;
  const style = { position: "absolute", left: 0, top: 0, width: photo.width, height: photo.height, transformOrigin: "0 0", transform, willChange: "transform" };
  return h(Img, { src: staticFile(photo.file), style });
}

function Picture({ layer }) {
  const age = useCurrentFrame();
  const { enter, rise, leave, frames } = layer;
  const eased = 1 - (1 - Math.min((age + 1) / (enter + 1), 1)) ** 3;
  const left = frames === null ? Infinity : frames - age;
  const style = { position: "absolute", left: layer.x, top: layer.y + Math.trunc(rise * (1 - eased)), opacity: Math.min(eased, left / (leave + 1), 1) };
  return h(Img, { src: staticFile(layer.file), style });
}

const pictures = (layers) =>
  layers.map((layer, key) => h(Sequence, { key, from: layer.start, durationInFrames: layer.frames ?? Infinity, layout: "none" }, h(Picture, { layer })));

function Scene({ scene, shown, ground }) {
  const opacity = Math.min((useCurrentFrame() + 1) / (scene.fade + 1), 1);
  return h(AbsoluteFill, { style: { opacity, background: ground, overflow: "hidden" } }, scene.photo && h(KenBurns, { scene, shown }), ...pictures(scene.layers));
}

function Bar({ bar }) {
  const { width, durationInFrames } = useVideoConfig();
  const done = Math.floor(((useCurrentFrame() + 1) * width) / durationInFrames / 2) * 2;
  return h("div", { style: { position: "absolute", left: 0, bottom: 0, width: done, height: bar.height, background: bar.colour } });
}

export function Clip({ spec }) {
  const scenes = spec.scenes.map((scene, key) => {
    // The next scene fades in over the last frames of this one.
    const shown = scene.frames + (spec.scenes[key + 1]?.fade ?? 0);
    return h(Sequence, { key, from: scene.start, durationInFrames: shown }, h(Scene, { scene, shown, ground: spec.ground }));
  });
  return h(AbsoluteFill, null, ...scenes, ...pictures(spec.overlays), h(Bar, { bar: spec.bar }));
}
