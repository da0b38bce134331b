using Onward.Models;

namespace Onward.Tests.Models;

/// <summary>Spec 2.4 to 2.6 as plain loops in float64 over one example; token mixing is laid out [D, P] as in the paper's code.</summary>
internal sealed class NaiveMixer(Network model)
{
    private readonly LocalMixerOptions _options = model.Mixer!;

    /// <summary>Input of each layer in turn [P, width], as the weight gradient needs it.</summary>
    public List<double[]> LayerInputs { get; } = [];

    /// <summary>Output of block k [P, D] for its raw input.</summary>
    public double[] Block(int k, double[] x)
    {
        LayerInputs.Clear();
        int patches = _options.Patches, channels = _options.Channels, size = _options.ChannelsPerGroup;
        double[] h = Normalize(Normalizations.Begin, x, x.Length / patches);
        if (k == 0)
        {
            LayerInputs.Add(h);
            h = Relu(Normalize(Normalizations.PostLinear, Channel(k, 0, h), channels));
        }
        else
        {
            LayerInputs.Add(h);
            double[] mixed = _options.TokenMixer == TokenMixer.DepthwiseConvolution
                ? Convolve(k, h)
                : Transpose(Token(k, Transpose(h, patches)), channels);
            h = Relu(Normalize(Normalizations.PostLinear, mixed, channels));
            h = Normalize(Normalizations.Middle, h, channels);
            LayerInputs.Add(h);
            h = Relu(Normalize(Normalizations.PostLinear, Channel(k, 1, h), channels));
        }

        h = Normalize(Normalizations.Middle, h, size);
        LayerInputs.Add(h);
        h = Normalize(Normalizations.PostLinear, Group(k, LayerInputs.Count - 1, h), size);
        return Relu(k == 0 ? h : [.. h.Zip(x, (a, b) => a + b)]);
    }

    /// <summary>The features [D] of the local head, from a block's output.</summary>
    public double[] HeadFeatures(double[] y) => Pool(Normalize(Normalizations.Inter, y, _options.ChannelsPerGroup));

    /// <summary>The features [D] of the readout, from the last block's output.</summary>
    public double[] ReadoutFeatures(double[] y) => Normalize(Normalizations.Last, Pool(y), _options.Channels);

    private double[] Normalize(Normalizations where, double[] x, int size)
    {
        if (!_options.Normalizations.HasFlag(where))
        {
            return x;
        }

        return [.. x.Chunk(size).SelectMany(run =>
        {
            double mean = run.Average(), variance = run.Average(v => (v - mean) * (v - mean));
            return run.Select(v => (v - mean) / Math.Sqrt(variance + _options.Epsilon));
        })];
    }

    private static double[] Relu(double[] x) => [.. x.Select(v => Math.Max(0, v))];

    private static double[] Transpose(double[] x, int rows)
    {
        int columns = x.Length / rows;
        return [.. from j in Enumerable.Range(0, columns) from i in Enumerable.Range(0, rows) select x[(i * columns) + j]];
    }

    private double[] Pool(double[] y) =>
        [.. Enumerable.Range(0, _options.Channels).Select(c => y.Where((_, i) => i % _options.Channels == c).Average())];

    // [D, P] times W [P, P], plus one bias a patch.
    private double[] Token(int k, double[] x) => Multiply(x, Weight(k, 0), Bias(k, 0), _options.Patches);

    // [y, x, c], each value handed on to the places whose kernels reach it, plus one bias a channel.
    private double[] Convolve(int k, double[] x)
    {
        int side = _options.PatchesPerSide, channels = _options.Channels, kernel = _options.KernelSide, radius = (kernel - 1) / 2;
        double[] weight = Weight(k, 0), bias = Bias(k, 0), z = [.. x.Select((_, i) => bias[i % channels])];
        for (int source = 0; source < x.Length; source++)
        {
            int row = source / channels / side, column = source / channels % side, c = source % channels;
            for (int i = 0; i < kernel; i++)
            {
                for (int j = 0; j < kernel; j++)
                {
                    (int y, int across) = (row - i + radius, column - j + radius);
                    if (y >= 0 && y < side && across >= 0 && across < side)
                    {
                        z[(((y * side) + across) * channels) + c] += weight[(((i * kernel) + j) * channels) + c] * x[source];
                    }
                }
            }
        }

        return z;
    }

    private double[] Channel(int k, int l, double[] x) => Multiply(x, Weight(k, l), Bias(k, l), _options.Channels);

    private double[] Group(int k, int l, double[] x)
    {
        int size = _options.ChannelsPerGroup;
        double[] weight = Weight(k, l), bias = Bias(k, l), z = new double[x.Length];
        for (int row = 0; row < _options.Patches; row++)
        {
            for (int g = 0; g < _options.Groups; g++)
            {
                int start = (row * _options.Channels) + (g * size);
                double[] part = Multiply(
                    x[start..(start + size)], weight[(g * size * size)..((g + 1) * size * size)], bias[(g * size)..((g + 1) * size)], size);
                part.CopyTo(z, start);
            }
        }

        return z;
    }

    private static double[] Multiply(double[] x, double[] weight, double[] bias, int outputs)
    {
        int inputs = weight.Length / outputs;
        double[] z = new double[x.Length / inputs * outputs];
        for (int i = 0; i < z.Length; i++)
        {
            z[i] = bias[i % outputs];
            for (int j = 0; j < inputs; j++)
            {
                z[i] += x[(i / outputs * inputs) + j] * weight[(j * outputs) + (i % outputs)];
            }
        }

        return z;
    }

    private double[] Weight(int k, int l) => Numbers.Widen(model.Values[model.Blocks[k].Layers[l].Weight]);

    private double[] Bias(int k, int l) => Numbers.Widen(model.Values[model.Blocks[k].Layers[l].Bias]);
}
