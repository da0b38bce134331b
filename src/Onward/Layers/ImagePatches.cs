namespace Onward.Layers;

/// <summary>
/// Cuts an image into a square grid of patches (paper's code): one position for each patch, its pixels as channels (row, column,
/// channel). If the side is not a multiple of the number of patches, the image is padded on all sides by repeating its edge.
/// </summary>
/// <param name="patchesPerSide">Patches along each side of the grid.</param>
/// <param name="image">The shape of the image, which is square.</param>
public sealed class ImagePatches(int patchesPerSide, ExampleShape image) : ExampleLayer
{
    private readonly int _side = image.Height;
    private readonly int _channels = image.Channels;

    /// <summary>Patches along each side of the grid.</summary>
    public int PatchesPerSide => patchesPerSide;

    /// <summary>The shape of the image.</summary>
    public ExampleShape Image => image;

    /// <summary>Pixels along each side of a patch.</summary>
    public int PatchSide { get; } = (image.Height + patchesPerSide - 1) / patchesPerSide;

    private int Margin => ((PatchSide * patchesPerSide) - _side) / 2;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input == image && image.Height == image.Width
        ? new(patchesPerSide, patchesPerSide, PatchSide * PatchSide * _channels)
        : throw Refuse(input, $"a square image of {image}");

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output) => Extract(example.Input, output);

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
        Extract(tangent, result);

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
    {
        result.Clear();
        for (int patch = 0; patch < patchesPerSide * patchesPerSide; patch++)
        {
            (int top, int left) = Corner(patch);
            for (int i = 0; i < PatchSide * PatchSide; i++, gradient = gradient[_channels..])
            {
                int pixel = Pixel(top + (i / PatchSide), left + (i % PatchSide));
                for (int c = 0; c < _channels; c++)
                {
                    result[pixel + c] += gradient[c];
                }
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"ImagePatches({patchesPerSide})";

    private (int Top, int Left) Corner(int patch) =>
        ((patch / patchesPerSide * PatchSide) - Margin, (patch % patchesPerSide * PatchSide) - Margin);

    private int Pixel(int row, int column) =>
        ((Math.Clamp(row, 0, _side - 1) * _side) + Math.Clamp(column, 0, _side - 1)) * _channels;

    private void Extract(ReadOnlySpan<float> pixels, Span<float> patches)
    {
        int target = 0;
        for (int patch = 0; patch < patchesPerSide * patchesPerSide; patch++)
        {
            (int top, int left) = Corner(patch);
            for (int i = 0; i < PatchSide; i++)
            {
                if (left >= 0 && left + PatchSide <= _side)
                {
                    pixels.Slice(Pixel(top + i, left), PatchSide * _channels).CopyTo(patches[target..]);
                    target += PatchSide * _channels;
                    continue;
                }

                for (int j = 0; j < PatchSide; j++, target += _channels)
                {
                    pixels.Slice(Pixel(top + i, left + j), _channels).CopyTo(patches[target..]);
                }
            }
        }
    }
}
