using Onward.Layers;
using Onward.Losses;
using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>
/// A LocalMixer as one would write it down from the definition, number by number in float64, every number with its
/// derivative: the network and the replicated losses (paper sections 4 and 5). Slow, short, and without any code of Onward:
/// only parameters and options are read.
/// </summary>
public sealed class NaiveLocalMixer
{
    private readonly Network _model;
    private readonly LocalMixerOptions _options;
    private readonly TrainingLoss _loss;
    private readonly Dictionary<Parameter, Dual[]> _parameters = [];

    public NaiveLocalMixer(TinyNetwork network)
    {
        Network model = network.Model;
        _loss = network.Loss;
        _model = model;
        _options = model.Mixer!;
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            _parameters[parameter] = [.. model.Values[parameter].ToArray().Select(value => (Dual)value)];
        }
    }

    /// <summary>The numbers of one parameter; to be changed by whoever differentiates with respect to them.</summary>
    public Dual[] this[Parameter parameter] => _parameters[parameter];

    /// <summary>Normalises a vector: subtracts the mean, divides by the root of the mean squared deviation.</summary>
    public static Dual[] Normalize(IReadOnlyCollection<Dual> x, double epsilon)
    {
        Dual mean = Dual.Sum(x) / x.Count;
        Dual variance = Dual.Sum(x.Select(value => (value - mean) * (value - mean))) / x.Count;
        return [.. x.Select(value => (value - mean) / Dual.Sqrt(variance + epsilon))];
    }

    /// <summary>Runs the whole network once, noise and stop-gradients of all blocks in one sweep.</summary>
    /// <param name="pixels">Images [n][row, column, channel].</param>
    /// <param name="labels">Classes [n].</param>
    /// <param name="noise">The direction of the noise [layer][n][p][D]; zero where null.</param>
    public NaiveSweep Run(double[][] pixels, int[] labels, double[][][][]? noise = null)
    {
        Dual[][][] x = [.. pixels.Select(Patches)];
        List<NaiveBlock> blocks = [];
        int firstLayer = 0, groups = _options.Groups;
        foreach (NetworkBlock parameters in _model.Blocks)
        {
            LayerKind[] kinds = blocks.Count == 0 ? [LayerKind.Channel, LayerKind.Group]
                : [_options.TokenMixer == TokenMixer.Matrix ? LayerKind.Token : LayerKind.Convolution, LayerKind.Channel, LayerKind.Group];
            List<NaiveLayer> layers = [];
            Dual[][][] h = x;
            int size = parameters.Head.Features / groups;
            foreach (LayerKind kind in kinds)
            {
                (Parameter weight, Parameter bias) = (parameters.Layers[layers.Count].Weight, parameters.Layers[layers.Count].Bias);
                bool closesBlock = layers.Count == kinds.Length - 1;
                Dual[][][] input = NormalizeRows(h, layers.Count == 0 ? Normalizations.Begin : Normalizations.Middle, Run(kind));
                Dual[][][] output = [.. input.Select(example => Affine(kind, example, size, _parameters[weight], _parameters[bias]))];
                Dual[][][] n = NormalizeRows(output, Normalizations.PostLinear, Run(kind));
                double[][][] u = noise?[firstLayer + layers.Count]
                    ?? [.. n.Select(example => example.Select(row => new double[row.Length]).ToArray())];
                bool residual = closesBlock && blocks.Count > 0;
                Dual[][][] before = x;
                h = Map(
                    n,
                    (value, i, p, d) => Dual.Relu(
                        value + new Dual(0, u[i][p][d]) + (residual ? before[i][p][d % before[i][p].Length] : 0)));
                layers.Add(new NaiveLayer(kind, weight, bias, input, output, h, u));
            }

            Dual[][][] features = NormalizeRows(h, Normalizations.Inter, size);
            blocks.Add(new NaiveBlock(layers, ReplicatedLosses(features, labels, parameters.Head, groups)));
            x = Map(h, (value, _, _, _) => Dual.StopGradient(value));
            if (_options.Downsample.Count > 0 && _options.Downsample[blocks.Count - 1] > 1)
            {
                x = [.. x.Select(example => Narrow(example, _options.Downsample[blocks.Count - 1]))];
            }

            groups *= _options.GroupRatio.Count > 0 ? _options.GroupRatio[blocks.Count - 1] : 1;
            firstLayer += layers.Count;

            int? Run(LayerKind kind) => kind == LayerKind.Group ? size : null;
        }

        return new NaiveSweep(blocks, ReadoutLoss(x, labels));
    }

    // Cuts an image into patches [p][row, column, channel], standing in the middle of an image that repeats its edge.
    private Dual[][] Patches(double[] image)
    {
        int side = _options.ImageSide, perSide = _options.PatchesPerSide, channels = _options.ImageChannels;
        int patchSide = (int)Math.Ceiling((double)side / perSide);
        int margin = ((patchSide * perSide) - side) / 2;
        double Pixel(int row, int column, int channel) =>
            image[(((Inside(row - margin) * side) + Inside(column - margin)) * channels) + channel];
        int Inside(int place) => Math.Clamp(place, 0, side - 1);
        return
        [
            .. from top in Enumerable.Range(0, perSide)
               from left in Enumerable.Range(0, perSide)
               select (from row in Enumerable.Range(0, patchSide)
                       from column in Enumerable.Range(0, patchSide)
                       from channel in Enumerable.Range(0, channels)
                       select (Dual)Pixel((top * patchSide) + row, (left * patchSide) + column, channel)).ToArray(),
        ];
    }

    // Windows of three by three places, a stride apart, over a grid laid into a larger one that has places enough for all windows.
    private Dual[][] Narrow(Dual[][] x, int stride)
    {
        int side = (int)Math.Sqrt(x.Length), outputs = (int)Math.Ceiling((double)side / stride);
        int missing = Math.Max(0, ((outputs - 1) * stride) + 3 - side);
        return
        [
            .. from top in Enumerable.Range(0, outputs)
               from left in Enumerable.Range(0, outputs)
               select Pool([.. from row in Enumerable.Range((top * stride) - (missing / 2), 3)
                               from column in Enumerable.Range((left * stride) - (missing / 2), 3)
                               where row >= 0 && row < side && column >= 0 && column < side
                               select x[(row * side) + column]]),
        ];

        Dual[] Pool(Dual[][] patches) => _options.Pooling == PatchPooling.Average ? Mean(patches)
            : [.. patches[0].Select((_, d) => patches.Select(patch => patch[d]).MaxBy(value => value.Value))];
    }

    private Dual[][][] NormalizeRows(Dual[][][] x, Normalizations where, int? run)
    {
        if (!_options.Normalizations.HasFlag(where))
        {
            return x;
        }

        return [.. x.Select(example => example.Select(NormalizeRow).ToArray())];

        Dual[] NormalizeRow(Dual[] row) => [.. row.Chunk(run ?? row.Length).SelectMany(run => Normalize(run, _options.Epsilon))];
    }

    // One example [p][in] -> [p][out].
    private Dual[][] Affine(LayerKind kind, Dual[][] x, int size, Dual[] weight, Dual[] bias)
    {
        int patches = x.Length, channels = kind == LayerKind.Token ? x[0].Length : bias.Length;
        Dual[][] z = [.. x.Select(_ => new Dual[channels])];
        for (int p = 0; p < patches; p++)
        {
            for (int d = 0; d < channels; d++)
            {
                int group = d / size;
                z[p][d] = kind switch
                {
                    LayerKind.Token => bias[p] + Dot(patches, q => x[q][d], q => weight[(q * patches) + p]),
                    LayerKind.Convolution => bias[d] + Dot(Reach, i => Near(x, p, d, i), i => weight[(i * channels) + d]),
                    LayerKind.Channel => bias[d] + Dot(x[p].Length, i => x[p][i], i => weight[(i * channels) + d]),
                    _ => bias[d] + Dot(size, c => x[p][(group * size) + c], c => weight[(((group * size) + c) * size) + (d % size)]),
                };
            }
        }

        return z;
    }

    private int Reach => _options.KernelSide * _options.KernelSide;

    // What place i of the kernel meets when its middle lies on patch p.
    private Dual Near(Dual[][] x, int p, int d, int i)
    {
        int q = Neighbour(_options, x.Length, p, i);
        return q < 0 ? 0 : x[q][d];
    }

    /// <summary>The patch under place i of a kernel whose middle lies on patch p of so many; -1 beyond the edge.</summary>
    public static int Neighbour(LocalMixerOptions options, int patches, int p, int i)
    {
        int side = (int)Math.Sqrt(patches), kernel = options.KernelSide, middle = (kernel - 1) / 2;
        int row = (p / side) + (i / kernel) - middle, column = (p % side) + (i % kernel) - middle;
        return row < 0 || row >= side || column < 0 || column >= side ? -1 : (row * side) + column;
    }

    // Spec 3.2 to the letter: one copy of the loss for each patch and group, which may change in that place only.
    private Dual[][][] ReplicatedLosses(Dual[][][] features, int[] labels, LinearHead head, int groups)
    {
        int examples = features.Length, patches = features[0].Length, size = head.Features / groups;
        Dual[][] pooled = [.. features.Select(Mean)];
        Dual[][][] losses = [.. features.Select(_ => Enumerable.Range(0, patches).Select(_ => new Dual[groups]).ToArray())];
        for (int n = 0; n < examples; n++)
        {
            for (int p = 0; p < patches; p++)
            {
                for (int g = 0; g < groups; g++)
                {
                    Dual[][] concatenated =
                    [
                        .. features[n].Select(row => row.Select((value, d) => d / size == g ? value : Dual.StopGradient(value)).ToArray()),
                    ];
                    Dual[][] masked =
                    [
                        .. concatenated.Select((row, q) => row.Select(value => q == p ? value : Dual.StopGradient(value)).ToArray()),
                    ];
                    losses[n][p][g] = _options.IsSelfSupervised ? Contrast(Mean(masked), n, pooled, head) / examples
                        : CrossEntropy(Mean(masked), labels[n], head) / examples;
                }
            }
        }

        return losses;
    }

    private Dual ReadoutLoss(Dual[][][] x, int[] labels)
    {
        if (_model.Projector is LinearHead projector)
        {
            Dual[][] pooled = [.. x.Select(Mean)];
            return Dual.Sum(pooled.Select((features, n) => Contrast(features, n, pooled, projector))) / x.Length;
        }

        bool normalize = _options.Normalizations.HasFlag(Normalizations.Last);
        return Dual.Sum(
            x.Select(
                (example, n) => CrossEntropy(
                    normalize ? Normalize(Mean(example), _options.Epsilon) : Mean(example), labels[n], _model.Readout))) / x.Length;
    }

    private static Dual[] Mean(Dual[][] rows) => [.. rows[0].Select((_, d) => Dual.Sum(rows.Select(row => row[d])) / rows.Length)];

    private Dual[] Apply(LinearHead head, Dual[] features)
    {
        (Dual[] weight, Dual[] bias) = (_parameters[head.Weight], _parameters[head.Bias]);
        return [.. bias.Select((b, k) => b + Dot(features.Length, d => features[d], d => weight[(d * bias.Length) + k]))];
    }

    // NT-Xent of one anchor: all other views of the batch are keys, and constants.
    private Dual Contrast(Dual[] features, int n, Dual[][] pooled, LinearHead head)
    {
        Dual[] anchor = Unit(Apply(head, features));
        Dual[] logits =
        [
            .. pooled.Select(other => Dot(Unit([.. Apply(head, other).Select(Dual.StopGradient)]), anchor) / _loss.Temperature),
        ];
        return Dual.Log(Dual.Sum(logits.Where((_, m) => m != n).Select(Dual.Exp))) - logits[(n + (logits.Length / 2)) % logits.Length];
    }

    private static Dual[] Unit(Dual[] x) => [.. x.Select(value => value / Dual.Sqrt(Dot(x, x)))];

    private static Dual Dot(Dual[] x, Dual[] y) => Dot(x.Length, i => x[i], i => y[i]);

    private Dual CrossEntropy(Dual[] features, int label, LinearHead head)
    {
        Dual[] logits = Apply(head, features);
        return Dual.Log(Dual.Sum(logits.Select(Dual.Exp))) - logits[label];
    }

    private static Dual Dot(int length, Func<int, Dual> x, Func<int, Dual> y)
    {
        Dual sum = 0;
        for (int i = 0; i < length; i++)
        {
            sum += x(i) * y(i);
        }

        return sum;
    }

    private static Dual[][][] Map(Dual[][][] x, Func<Dual, int, int, int, Dual> change) =>
        [.. x.Select((example, n) => example.Select((row, p) => row.Select((value, d) => change(value, n, p, d)).ToArray()).ToArray())];
}
