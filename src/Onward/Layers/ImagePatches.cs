namespace Onward.Layers;

/// <summary>
/// Cuts an image into a square grid of patches (paper's code): one position for each patch, its pixels as channels (row, column,
/// channel). If the side is not a multiple of the number of patches, the image is padded on all sides by repeating its edge.
/// </summary>
public sealed class ImagePatches : ExampleLayer
{
    private readonly int _side;
    private readonly int _channels;

    /// <summary>Creates the layer.</summary>
    /// <param name="patchesPerSide">Patches along each side of the grid.</param>
    /// <param name="image">The shape of the image, which is square.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="patchesPerSide"/> is below 1.</exception>
    public ImagePatches(int patchesPerSide, ExampleShape image)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(patchesPerSide, 1);
        (PatchesPerSide, Image, _side, _channels) = (patchesPerSide, image, image.Height, image.Channels);
        PatchSide = (image.Height + patchesPerSide - 1) / patchesPerSide;
    }

    /// <summary>Patches along each side of the grid.</summary>
    public int PatchesPerSide { get; }

    /// <summary>The shape of the image.</summary>
    public ExampleShape Image { get; }

    /// <summary>Pixels along each side of a patch.</summary>
    public int PatchSide { get; }

    private int Margin => ((PatchSide * PatchesPerSide) - _side) / 2;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input == Image && Image.Height == Image.Width
        ? new(PatchesPerSide, PatchesPerSide, PatchSide * PatchSide * _channels)
        : throw Refuse(input, $"a square image of {Image}");

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output) => Extract(example.Input, output);

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
        Extract(tangent, result);

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
    {
        result.Clear();
        for (int patch = 0; patch < PatchesPerSide * PatchesPerSide; patch++)
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
    public override string ToString() => $"ImagePatches({PatchesPerSide})";

    private (int Top, int Left) Corner(int patch) =>
        ((patch / PatchesPerSide * PatchSide) - Margin, (patch % PatchesPerSide * PatchSide) - Margin);

    private int Pixel(int row, int column) =>
        ((Math.Clamp(row, 0, _side - 1) * _side) + Math.Clamp(column, 0, _side - 1)) * _channels;

    private void Extract(ReadOnlySpan<float> pixels, Span<float> patches)
    {
        int target = 0;
        for (int patch = 0; patch < PatchesPerSide * PatchesPerSide; patch++)
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
