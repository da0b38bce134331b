using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Onward.Formats;

/// <summary>The values that TensorBoard shows for one step: numbers, histograms and images, each with a name.</summary>
/// <remarks>A slash in a name separates a group. Field numbers follow TensorFlow's <c>summary.proto</c>.</remarks>
public sealed class EventSummary
{
    private const int Buckets = 30; // the number of buckets that TensorBoard draws

    /// <summary>The Protocol Buffers message <c>Summary</c>.</summary>
    internal WireMessage Message { get; } = new();

    /// <summary>Adds a number.</summary>
    /// <param name="name">Name of the number.</param>
    /// <param name="value">The number, stored in 32 bits.</param>
    public EventSummary AddScalar(string name, double value) => Add(name, content => content.Add(2, (float)value));

    /// <summary>Adds a histogram of numbers, with buckets of equal width.</summary>
    /// <param name="name">Name of the histogram.</param>
    /// <param name="values">The numbers. If one is not finite, no histogram is added.</param>
    public EventSummary AddHistogram(string name, ReadOnlySpan<float> values)
    {
        if (values.IsEmpty || !float.IsFinite(TensorPrimitives.SumOfMagnitudes(values)))
        {
            return this;
        }

        double least = TensorPrimitives.Min(values), most = TensorPrimitives.Max(values), sum = 0, squares = 0;
        int buckets = most > least ? Buckets : 1;
        double[] counts = new double[buckets];
        double[] limits =
        [
            .. Enumerable.Range(1, buckets).Select(i => i == buckets ? most : least + ((most - least) * i / buckets)),
        ];
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
            counts[buckets == 1 ? 0 : Math.Min(buckets - 1, (int)((value - least) / (most - least) * buckets))]++;
        }

        WireMessage histogram = new WireMessage().Add(1, least).Add(2, most).Add(3, (double)values.Length).Add(4, sum).Add(5, squares)
            .Add(6, Packed(limits)).Add(7, Packed(counts));
        return Add(name, content => content.Add(5, histogram));
    }

    /// <summary>Adds an image.</summary>
    /// <param name="name">Name of the image.</param>
    /// <param name="png">The bytes of a PNG file.</param>
    /// <param name="height">Number of rows.</param>
    /// <param name="width">Number of columns.</param>
    public EventSummary AddImage(string name, ReadOnlyMemory<byte> png, int height, int width)
    {
        const int Rgb = 3;
        return Add(name, content => content.Add(4, new WireMessage().Add(1, height).Add(2, width).Add(3, Rgb).Add(4, png)));
    }

    private EventSummary Add(string name, Func<WireMessage, WireMessage> add)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Message.Add(1, add(new WireMessage().Add(1, name)));
        return this;
    }

    // Packed doubles are little-endian in the format, as on every platform of .NET.
    private static ReadOnlyMemory<byte> Packed(double[] values) => MemoryMarshal.AsBytes<double>(values).ToArray();
}
