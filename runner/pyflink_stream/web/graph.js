"use strict";

// Places the boxes of a graph, and the wires between them: in layers by the longest way from a source, in each layer in
// an order with few crossings, and as near as possible to their neighbours.

// How far a wire that feeds back leaves its boxes.
const LOOP = 30;

const layout = (nodes, edges, size, gaps, vertical) => {
  const forward = edges.filter((edge) => !edge.feedback && edge.source !== edge.target);
  const ranks = rankOf(nodes, forward);
  const layers = [];
  const items = new Map();
  const put = (key, rank, extent) => {
    const item = { key, rank, extent, before: [], after: [], place: 0 };
    items.set(key, item);
    (layers[rank] = layers[rank] || []).push(item);
    return item;
  };
  const isLooped = (node) => edges.some((edge) => edge.feedback && (edge.source === node.id || edge.target === node.id));
  const extentOf = (node) => (vertical ? size.width : size.height(node)) + (isLooped(node) ? 2 * LOOP : 0);
  nodes.forEach((node) => put(node.id, ranks.get(node.id), extentOf(node)));
  // A wire across several layers keeps a lane free in those between.
  const lanes = forward.map((edge, index) => {
    const way = [items.get(edge.source)];
    for (let rank = ranks.get(edge.source) + 1; rank < ranks.get(edge.target); rank++) way.push(put(`${index}@${rank}`, rank, 12));
    way.push(items.get(edge.target));
    way.slice(1).forEach((item, at) => {
      way[at].after.push(item);
      item.before.push(way[at]);
    });
    return way;
  });
  for (let sweep = 0; sweep < 8; sweep++) order(layers, sweep % 2 === 0 ? "before" : "after");
  for (let sweep = 0; sweep < 12; sweep++) align(layers, sweep % 2 === 0 ? "before" : "after", gaps.between);
  const depths = layers.map((layer) => Math.max(...layer.map((item) => depthOf(item, nodes, size, vertical))));
  const starts = [];
  depths.reduce((start, depth, rank) => {
    starts[rank] = start;
    return start + depth + gaps.layers;
  }, 0);
  const half = (node) => (vertical ? size.width : size.height(node)) / 2;
  const least = Math.min(...nodes.map((node) => items.get(node.id).place - half(node)));
  const across = (item) => item.place - least;
  const boxes = new Map();
  nodes.forEach((node) => {
    const item = items.get(node.id);
    const height = size.height(node);
    const start = starts[item.rank];
    boxes.set(node.id, vertical
      ? { x: across(item) - size.width / 2, y: start, width: size.width, height }
      : { x: start, y: across(item) - height / 2, width: size.width, height });
  });
  const wires = edges.map((edge) => {
    const index = forward.indexOf(edge);
    const from = boxes.get(edge.source), to = boxes.get(edge.target);
    if (index < 0) return loop(from, to, vertical);
    const bends = lanes[index].slice(1, -1).map((item) => {
      const near = starts[item.rank], far = near + depths[item.rank];
      return vertical ? [[across(item), near], [across(item), far]] : [[near, across(item)], [far, across(item)]];
    });
    const start = vertical ? [from.x + from.width / 2, from.y + from.height] : [from.x + from.width, from.y + from.height / 2];
    const end = vertical ? [to.x + to.width / 2, to.y] : [to.x, to.y + to.height / 2];
    return curve([start, ...bends.flat(), end], vertical);
  });
  const all = [...boxes.values()];
  const loops = wires.filter((wire) => wire.reach !== undefined).map((wire) => wire.reach);
  return {
    boxes,
    wires,
    width: Math.max(...all.map((box) => box.x + box.width), ...(vertical ? loops : [])),
    height: Math.max(...all.map((box) => box.y + box.height), ...(vertical ? [] : loops)),
  };
};

const depthOf = (item, nodes, size, vertical) => {
  const node = nodes.find((each) => each.id === item.key);
  if (!node) return 0;
  return vertical ? size.height(node) : size.width;
};

const rankOf = (nodes, edges) => {
  const ranks = new Map(nodes.map((node) => [node.id, 0]));
  // At most as often as there are nodes: feedback is not among the edges.
  for (let round = 0; round < nodes.length; round++) {
    let moved = false;
    edges.forEach((edge) => {
      const least = ranks.get(edge.source) + 1;
      if (ranks.get(edge.target) < least) {
        ranks.set(edge.target, least);
        moved = true;
      }
    });
    if (!moved) break;
  }
  // A source stands right before what reads it first.
  nodes.forEach((node) => {
    const targets = edges.filter((edge) => edge.source === node.id).map((edge) => ranks.get(edge.target));
    if (targets.length && !edges.some((edge) => edge.target === node.id)) ranks.set(node.id, Math.min(...targets) - 1);
  });
  return ranks;
};

const order = (layers, side) => {
  layers.forEach((layer) => layer.forEach((item, index) => { item.index = index; }));
  (side === "before" ? layers : [...layers].reverse()).forEach((layer) => {
    layer.forEach((item) => {
      const beside = item[side].map((other) => other.index);
      item.wish = beside.length ? beside.reduce((sum, index) => sum + index, 0) / beside.length : item.index;
    });
    layer.sort((one, other) => one.wish - other.wish || one.index - other.index);
    layer.forEach((item, index) => { item.index = index; });
  });
};

const align = (layers, side, gap) => {
  (side === "before" ? layers : [...layers].reverse()).forEach((layer) => {
    const wishes = layer.map((item) => {
      const beside = item[side].length ? item[side] : side === "before" ? item.after : item.before;
      return beside.length ? beside.reduce((sum, other) => sum + other.place, 0) / beside.length : item.place;
    });
    // Blocks of items that would overlap share the mean of the places that they want.
    const blocks = [];
    layer.forEach((item, index) => {
      let block = { items: [item], offsets: [0], sum: wishes[index] };
      measure(block);
      while (blocks.length) {
        const last = blocks[blocks.length - 1];
        const lastPlace = last.sum / last.items.length, place = block.sum / block.items.length;
        if (lastPlace + last.end + gap <= place + block.start) break;
        blocks.pop();
        block = joined(last, block, last.end + gap - block.start);
      }
      blocks.push(block);
    });
    blocks.forEach((block) => {
      const place = block.sum / block.items.length;
      block.items.forEach((item, index) => { item.place = place + block.offsets[index]; });
    });
  });
};

const measure = (block) => {
  block.start = block.offsets[0] - block.items[0].extent / 2;
  const last = block.items.length - 1;
  block.end = block.offsets[last] + block.items[last].extent / 2;
};

const joined = (one, other, shift) => {
  const block = {
    items: [...one.items, ...other.items],
    offsets: [...one.offsets, ...other.offsets.map((offset) => offset + shift)],
    sum: one.sum + other.sum - shift * other.items.length,
  };
  measure(block);
  return block;
};

const curve = (points, vertical) => {
  let path = `M${points[0]}`;
  for (let index = 1; index < points.length; index++) {
    const [x, y] = points[index], [px, py] = points[index - 1];
    path += vertical ? `C${px},${(py + y) / 2} ${x},${(py + y) / 2} ${x},${y}` : `C${(px + x) / 2},${py} ${(px + x) / 2},${y} ${x},${y}`;
  }
  const middle = Math.floor((points.length - 1) / 2);
  const [one, other] = [points[middle], points[middle + 1]];
  return { path, label: [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2] };
};

// From the end of a loop back to its beginning, round the outside.
const loop = (from, to, vertical) => {
  const [leave, enter] = from === to ? [0.7, 0.3] : [0.5, 0.5];
  if (vertical) {
    const reach = Math.max(from.x + from.width, to.x + to.width) + LOOP;
    const [y, end] = [from.y + from.height * leave, to.y + to.height * enter];
    return { path: `M${from.x + from.width},${y}C${reach},${y} ${reach},${end} ${to.x + to.width + 2},${end}`, label: [reach - 8, (y + end) / 2], reach };
  }
  const reach = Math.max(from.y + from.height, to.y + to.height) + LOOP;
  const [x, end] = [from.x + from.width * leave, to.x + to.width * enter];
  return { path: `M${x},${from.y + from.height}C${x},${reach} ${end},${reach} ${end},${to.y + to.height + 2}`, label: [(x + end) / 2, reach - 8], reach };
};
