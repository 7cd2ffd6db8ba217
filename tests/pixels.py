"""What a painted picture shows, counted pixel by pixel."""


def blobs(image, colour):
    """How many connected areas of exactly this colour there are, and the middle of each."""
    pixels, (width, height) = image.load(), image.size
    left = {(x, y) for x in range(width) for y in range(height) if pixels[x, y][:3] == colour}
    middles = []
    while left:
        area, edge = [], [left.pop()]
        while edge:
            x, y = edge.pop()
            area.append((x, y))
            near = {(x + across, y + down) for across in (-1, 0, 1) for down in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
        middles.append((sum(x for x, _ in area) / len(area), sum(y for _, y in area) / len(area)))
    return middles


def bounds(image, colour):
    """The box around all pixels of exactly this colour."""
    pixels, (width, height) = image.load(), image.size
    found = [(x, y) for x in range(width) for y in range(height) if pixels[x, y][:3] == colour]
    across, down = zip(*found, strict=True)
    return min(across), min(down), max(across) + 1, max(down) + 1
