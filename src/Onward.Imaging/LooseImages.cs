using System.Collections.Concurrent;
using Onward.Data;

namespace Onward.Imaging;

/// <summary>Image files without known classes, converted to the kind of images that a model was trained on: grey or colour.</summary>
public sealed class LooseImages : ImageSet
{
    private const int Colours = 3;

    private readonly IReadOnlyList<string> _paths;
    private readonly bool _keepsSize;
    private readonly ConcurrentDictionary<int, string> _faults = []; // by example
    private readonly byte[] _blank;

    /// <summary>Stores the paths. Files are read and decoded on demand.</summary>
    /// <param name="paths">The files, at least one.</param>
    /// <param name="side">Rows and columns of the model's input, at least 1.</param>
    /// <param name="channels">1 to convert colours to their luma; 3 for colour.</param>
    /// <param name="keepsSize">True to return an image of another size as it is, to be cropped like an image of an
    /// <see cref="ImageFolder"/>. False to resize its middle square to the model's input: each pixel is the mean of the area that it
    /// covers.</param>
    /// <exception cref="ArgumentException">There are no files, or the number of channels is neither 1 nor 3.</exception>
    public LooseImages(IReadOnlyList<string> paths, int side, int channels, bool keepsSize)
        : base(new int[Required(paths).Count], side, side, channels, classes: 1)
    {
        if (channels is not (1 or Colours))
        {
            throw new ArgumentException($"Image files have 1 channel or {Colours}; got {channels}.", nameof(channels));
        }

        (_paths, _keepsSize, _blank) = (paths, keepsSize, new byte[side * side * channels]);
    }

    /// <summary>
    /// True to smooth an image that keeps its size before it is made smaller; see <see cref="ImageSet.Antialias"/>. Default
    /// true.
    /// </summary>
    public bool Smooths { get; init; } = true;

    /// <summary>Content, by path, of files that were already read, such as pipes. Default empty.</summary>
    public IReadOnlyDictionary<string, byte[]> Contents { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>Lists the image files in a folder and its subfolders, as <see cref="ImageFolder"/> does.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="notice">Called with one line for each reason why files were left out; null for no messages.</param>
    /// <returns>Paths relative to the folder, sorted by name; at least one.</returns>
    /// <exception cref="DataException">The folder cannot be listed, or has no images.</exception>
    public static IReadOnlyList<string> ListIn(string folder, Action<string>? notice = null)
    {
        LeftOut leftOut = new(folder);
        string[] names = FolderListing.Images(folder, leftOut);
        if (names.Length == 0)
        {
            throw FolderListing.NoImages(folder, leftOut, "name another folder");
        }

        foreach (string line in leftOut.Lines)
        {
            notice?.Invoke(line);
        }

        return names;
    }

    /// <inheritdoc/>
    public override bool Antialias => Smooths;

    /// <summary>The fault of an image that was read, in one line that names the file; null if it is intact.</summary>
    /// <param name="example">Number of the example, 0 to <see cref="ImageSet.Count"/> - 1.</param>
    public string? FaultOf(int example) => _faults.GetValueOrDefault(example);

    /// <inheritdoc/>
    /// <remarks>A damaged image is not replaced by another one. It is black, and <see cref="FaultOf"/> returns the fault.</remarks>
    public override bool TryRead(int example, RawImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        string path = _paths[example];
        string? fault = Contents.TryGetValue(path, out byte[]? content)
            ? ImageDecoder.Decode((ReadOnlySpan<byte>)content, image)
            : ImageDecoder.Decode(path, image);
        if (fault is not null)
        {
            _faults[example] = $"{path}: {Describe(fault)} Name an intact JPEG, PNG, GIF, BMP or WebP file.";
            image.Show(_blank, Height, Width, Channels);
            return true;
        }

        if (!_keepsSize && (image.Height, image.Width) != (Height, Width))
        {
            image.Show(MiddleSquare(image, Height), Height, Width, Colours);
        }

        if (Channels == 1)
        {
            image.Show(Grey(image.Pixels), image.Height, image.Width, 1);
        }

        return true;
    }

    /// <inheritdoc/>
    protected override LooseImages Slice(int start, int count) =>
        new([.. _paths.Skip(start).Take(count)], Height, Channels, _keepsSize) { Smooths = Smooths, Contents = Contents };

    private static IReadOnlyList<string> Required(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return paths;
    }

    private static string Describe(string fault) => fault switch
    {
        "gone" => "no such file.",
        "no image" => "not an image that can be read.",
        _ => $"{fault}.",
    };

    private static byte[] MiddleSquare(RawImage image, int side)
    {
        int square = Math.Min(image.Height, image.Width), top = (image.Height - square) / 2, left = (image.Width - square) / 2;
        byte[] target = new byte[side * side * Colours];
        double scale = (double)square / side;
        Span<double> sum = stackalloc double[Colours];
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                sum.Clear();
                double area = 0;
                for (int row = (int)(y * scale); row < Math.Min(square, (y + 1) * scale); row++)
                {
                    double rows = Overlap(row, y * scale, (y + 1) * scale);
                    for (int column = (int)(x * scale); column < Math.Min(square, (x + 1) * scale); column++)
                    {
                        double weight = rows * Overlap(column, x * scale, (x + 1) * scale);
                        ReadOnlySpan<byte> pixel = image.Pixels.Slice((((top + row) * image.Width) + left + column) * Colours, Colours);
                        area += weight;
                        for (int channel = 0; channel < Colours; channel++)
                        {
                            sum[channel] += weight * pixel[channel];
                        }
                    }
                }

                for (int channel = 0; channel < Colours; channel++)
                {
                    target[(((y * side) + x) * Colours) + channel] = (byte)Math.Round(sum[channel] / area);
                }
            }
        }

        return target;
    }

    // Length of the part of a pixel, which covers [pixel, pixel + 1], that lies between two positions.
    private static double Overlap(int pixel, double from, double to) => Math.Min(pixel + 1, to) - Math.Max(pixel, from);

    // Luma of Rec. 601, computed in integers so that grey pixels do not change.
    private static byte[] Grey(ReadOnlySpan<byte> colours)
    {
        byte[] grey = new byte[colours.Length / Colours];
        for (int i = 0; i < grey.Length; i++)
        {
            ReadOnlySpan<byte> pixel = colours.Slice(i * Colours, Colours);
            grey[i] = (byte)(((299 * pixel[0]) + (587 * pixel[1]) + (114 * pixel[2]) + 500) / 1000);
        }

        return grey;
    }
}
