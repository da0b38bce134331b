using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Onward.Formats;

/// <summary>What TensorBoard shows of one step: numbers, distributions and pictures, each under a name of its own.</summary>
/// <remarks>A slash in a name begins a group. The numbers of the fields are those of TensorFlow's <c>summary.proto</c>.</remarks>
public sealed class EventSummary
{
    private const int Buckets = 30; // as many as TensorBoard draws

    /// <summary>The message <c>Summary</c>.</summary>
    internal WireMessage Message { get; } = new();

    /// <summary>Adds a number.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">The number, which is kept in 32 bits.</param>
    public EventSummary AddScalar(string name, double value) => Add(name, content => content.Add(2, (float)value));

    /// <summary>Adds how numbers are distributed, counted in buckets of equal width.</summary>
    /// <param name="name">Their name.</param>
    /// <param name="values">The numbers; where one is not finite, nothing is added.</param>
    public EventSummary AddHistogram(string name, ReadOnlySpan<float> values)
    {
        if (values.IsEmpty || !float.IsFinite(TensorPrimitives.SumOfMagnitudes(values)))
        {
            return this;
        }

        double least = TensorPrimitives.Min(values), most = TensorPrimitives.Max(values), sum = 0, squares = 0;
        int buckets = most > least ? Buckets : 1;
        double[] limits =
        [
            .. Enumerable.Range(1, buckets).Select(i => i == buckets ? most : least + ((most - least) * i / buckets)),
        ], counts = new double[buckets];
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

    /// <summary>Adds a picture.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="png">The bytes of a PNG file.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
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

    // Numbers one after another, as the machine has them: the lowest byte first, as the format wants, on all that .NET runs on.
    private static ReadOnlyMemory<byte> Packed(double[] values) => MemoryMarshal.AsBytes<double>(values).ToArray();
}
