using Onward.Layers;

namespace Onward.Laboratory;

/// <summary>The division of an input among calls.</summary>
/// <param name="Units">Rows of a call to a row layer, examples of a call to an affine layer; 0 for all.</param>
/// <param name="Shift">Floats by which memory lies behind a cache line.</param>
/// <param name="InPlace">True to write results over what they are computed from, which row layers allow.</param>
internal readonly record struct Cut(int Units, int Shift, bool InPlace)
{
    internal static Cut Whole { get; }

    internal static Cut[] All { get; } =
        [Whole, new(1, 0, false), new(2, 5, false), new(4, 1, false), new(0, 3, false), new(3, 16, true), new(4, 0, true)];

    /// <inheritdoc/>
    public override string ToString() =>
        (Units == 0 ? "with all rows in one call" : $"with {Units} rows or examples in a call")
        + (Shift == 0 ? "" : $", {Shift} floats behind a cache line") + (InPlace ? ", in place" : "");
}

/// <summary>Computes values and derivatives of some examples by a layer, in memory that is full of NaN before.</summary>
internal abstract class LayerProbe(ExampleShape input, ExampleShape output)
{
    protected ExampleShape Input => input;

    protected ExampleShape Output => output;

    /// <summary>Bytes of managed memory that the layer's own methods allocated since this was set to 0.</summary>
    internal long Allocated { get; set; }

    /// <summary>Number of indices that the input may hold; 0 if it holds quantities.</summary>
    internal virtual int Indices => 0;

    /// <summary>True if a cut means something for the layer.</summary>
    internal virtual bool Takes(Cut cut) => !cut.InPlace;

    internal abstract void Apply(float[] x, Span<float> y, Cut cut);

    internal abstract void ApplyTangent(float[] x, float[] tangent, Span<float> result, Cut cut);

    internal abstract void ApplyTranspose(float[] x, float[] gradient, Span<float> result, Cut cut);

    /// <summary>Bytes that this thread has allocated, to be given to <see cref="CountFrom"/> behind a call.</summary>
    protected static long Before => GC.GetAllocatedBytesForCurrentThread();

    protected void CountFrom(long before) => Allocated += GC.GetAllocatedBytesForCurrentThread() - before;

    /// <summary>Memory that begins some floats behind a cache line.</summary>
    protected static Span<float> Room(int length, Cut cut)
    {
        Span<float> room = Kernels.AlignedMemory.Allocate(length + cut.Shift).Span;
        room.Fill(float.NaN);
        return room[cut.Shift..];
    }

    protected static Span<float> Copy(ReadOnlySpan<float> numbers, Cut cut)
    {
        Span<float> room = Room(numbers.Length, cut);
        numbers.CopyTo(room);
        return room;
    }
}

/// <summary>Probes a row layer.</summary>
internal sealed class RowProbe(RowLayer layer, ExampleShape input) : LayerProbe(input, layer.OutputOf(input))
{
    internal override bool Takes(Cut cut) => true;

    internal override void Apply(float[] x, Span<float> y, Cut cut) => Run(x, [], y, cut, 0);

    internal override void ApplyTangent(float[] x, float[] tangent, Span<float> result, Cut cut) => Run(x, tangent, result, cut, 1);

    internal override void ApplyTranspose(float[] x, float[] gradient, Span<float> result, Cut cut) => Run(x, gradient, result, cut, 2);

    private void Run(float[] x, float[] vector, Span<float> result, Cut cut, int order)
    {
        int width = Input.Channels, count = cut.Units == 0 ? x.Length / width : cut.Units, stateWidth = layer.StateOf(width);
        for (int start = 0, rows; start < x.Length; start += rows * width)
        {
            rows = Math.Min(count, (x.Length - start) / width);
            Span<float> source = Copy(x.AsSpan(start, rows * width), cut), state = Room(rows * stateWidth, cut);
            Span<float> values = cut.InPlace ? source : Room(source.Length, cut);
            long before = Before;
            layer.Apply(source, values, state);
            CountFrom(before);
            if (order > 0)
            {
                if (cut.InPlace && layer.DerivativeSource == DerivativeSource.Input)
                {
                    source = Copy(x.AsSpan(start, rows * width), cut);
                }

                Span<float> from = Copy(vector.AsSpan(start, rows * width), cut), to = cut.InPlace ? from : Room(from.Length, cut);
                ReadOnlySpan<float> read = layer.DerivativeSource == DerivativeSource.Output ? values : source;
                before = Before;
                if (order == 1)
                {
                    layer.ApplyTangent(read, state, from, to);
                }
                else
                {
                    layer.ApplyTranspose(read, state, from, to);
                }

                CountFrom(before);
                values = to;
            }

            values.CopyTo(result[start..]);
        }
    }
}

/// <summary>Probes an example layer, which computes one example in a call.</summary>
internal sealed class ExampleProbe(ExampleLayer layer, ExampleShape input) : LayerProbe(input, layer.OutputOf(input))
{
    internal override void Apply(float[] x, Span<float> y, Cut cut) => Run(x, [], y, cut, 0);

    internal override void ApplyTangent(float[] x, float[] tangent, Span<float> result, Cut cut) => Run(x, tangent, result, cut, 1);

    internal override void ApplyTranspose(float[] x, float[] gradient, Span<float> result, Cut cut) => Run(x, gradient, result, cut, 2);

    private void Run(float[] x, float[] vector, Span<float> result, Cut cut, int order)
    {
        for (int n = 0; n < x.Length / Input.Length; n++)
        {
            Span<float> values = Room(Output.Length, cut);
            ExampleValues example = new(
                Input,
                Copy(x.AsSpan(n * Input.Length, Input.Length), cut),
                Room(layer.StateOf(Input), cut),
                Room(layer.WorkspaceOf(Input), cut));
            long before = Before;
            layer.Apply(example, values);
            CountFrom(before);
            example.Workspace.Fill(float.NaN);
            if (order > 0)
            {
                int length = vector.Length / (x.Length / Input.Length);
                ReadOnlySpan<float> from = Copy(vector.AsSpan(n * length, length), cut);
                values = Room(order == 1 ? Output.Length : Input.Length, cut);
                before = Before;
                if (order == 1)
                {
                    layer.ApplyTangent(example, from, values);
                }
                else
                {
                    layer.ApplyTranspose(example, from, values);
                }

                CountFrom(before);
            }

            values.CopyTo(result[(n * values.Length)..]);
        }
    }
}
