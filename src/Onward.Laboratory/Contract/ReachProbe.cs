using Onward.Layers;

namespace Onward.Laboratory;

/// <summary>Moves the numbers of an input one by one, and compares the outputs that change with the declared reach.</summary>
internal sealed class ReachProbe(LayerProbe probe, Layer layer, ExampleShape input, ExampleShape output)
{
    private readonly Reach _reach = layer.Reach;

    /// <summary>The faults of the declared reach, the first one of each kind.</summary>
    internal IEnumerable<string> FaultsOf(float[] x, int mostMoved)
    {
        if (input.Channels != output.Channels && _reach.Run != Reach.All)
        {
            yield return "reach: a layer that changes the number of channels reaches all channels (Reach.All).";
        }

        float[] before = new float[output.Length], after = new float[output.Length], unit = new float[x.Length];
        probe.Apply(x, before, Cut.Whole);
        int stride = ((x.Length - 1) / mostMoved) + 1;
        for (int i = 0; i < x.Length; i += stride)
        {
            float value = x[i];
            string? fault = null;
            float[] other = probe.Indices == 0 ? [value + 1, -3 * value] : [(value + 1) % probe.Indices, (value + 2) % probe.Indices];
            foreach (float moved in other)
            {
                x[i] = moved;
                probe.Apply(x, after, Cut.Whole);
                fault ??= FaultOf(i, "changes", o => BitConverter.SingleToInt32Bits(before[o]) != BitConverter.SingleToInt32Bits(after[o]));
            }

            x[i] = value;
            unit[i] = 1;
            probe.ApplyTangent(x, unit, after, Cut.Whole);
            unit[i] = 0;
            fault ??= FaultOf(i, "has a derivative at", o => after[o] != 0);
            if (fault is not null)
            {
                yield return fault;
                yield break;
            }
        }
    }

    private string? FaultOf(int i, string verb, Func<int, bool> changes)
    {
        for (int o = 0; o < output.Length; o++)
        {
            if (changes(o) && !Contains(i, o))
            {
                return $"reach: {PlaceOf(i, input)} of the input {verb} {PlaceOf(o, output)} of the output, "
                    + $"outside the declared {_reach}.";
            }
        }

        return null;
    }

    private bool Contains(int i, int o)
    {
        int from = i / input.Channels, to = o / output.Channels, channel = i % input.Channels, other = o % output.Channels;
        return IsIn(_reach.PlacesOf(from / input.Width, output.Height), to / output.Width)
            && IsIn(_reach.ColumnsOf(from % input.Width, output.Width), to % output.Width)
            && (_reach.Run == Reach.All || channel / _reach.Run == other / _reach.Run);
    }

    private static bool IsIn(Range range, int place) => range.Start.Value <= place && place < range.End.Value;

    private static string PlaceOf(int i, ExampleShape shape) =>
        $"channel {i % shape.Channels} at row {i / shape.Channels / shape.Width}, column {i / shape.Channels % shape.Width}";
}
