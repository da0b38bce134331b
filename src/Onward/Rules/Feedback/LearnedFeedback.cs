using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Rules;

/// <summary>
/// Learned feedback: a matrix B beside each layer's weight, by which a forward gradient predicts the gradient that it is about to
/// estimate (<see cref="ControlVariate.LearnedFeedback"/>). B starts at 0 and is fitted to the estimates; no weight is transported.
/// </summary>
/// <remarks>
/// <para>
/// B maps f, the gradient of its layer's output or a prediction of that gradient, to a prediction b of the gradient of the activations
/// below. An estimate e of the latter gradient is unbiased, so e - b is on average the error of the prediction. A step adds up
/// U = sum of f (e - b)' / |f|^2 over the batch. The division gives all examples the same weight: the noise of an estimate is as large as
/// the gradient itself, so large errors are no more informative than small ones.
/// </para>
/// <para>
/// Then B changes by E / |U|^2 times U. E is the sum of c^2 / |f|^2, where c is the derivative along the noise, less the part that the
/// prediction explains. The mean of c^2 is |G - b|^2 for every kind of noise. So the mean of E is the inner product of U with the error of
/// B, and the step brings B closest to the matrix that explains the gradients. The step needs no rate. It is shorter with more numbers of
/// noise and with fewer examples. E and |U|^2 are averaged over some steps.
/// </para>
/// <para>
/// B changes only when a step is complete, so it is a function of the steps before. No prediction depends on the noise of its own step.
/// </para>
/// <para>
/// If c holds the errors of several layers (perturbed at once, or with a global loss), the step would be too long. So a guard compares
/// the noise with and without predictions. While predictions increase the noise, B shrinks towards 0 and steps become shorter. In a chain
/// of layers, a prediction that is too long lengthens the predictions below, so predictions can become long within few steps. If they
/// leave ten times the noise, B is set to 0 at once.
/// </para>
/// </remarks>
internal sealed class LearnedFeedback : WaveFit
{
    /// <summary>
    /// The interval between the steps that matrices are fitted to, after <see cref="FirstSteps"/>. A fit costs as much as a prediction,
    /// and matrices change more slowly than that. With a global loss, whose noise is high, they are fitted to every step.
    /// </summary>
    internal const int StepsPerFit = 8;

    /// <summary>Number of steps at the start of a run that matrices are fitted to without an interval.</summary>
    internal const uint FirstSteps = 500;

    // Moving averages over steps: of E, of E without a prediction, and of |U|^2. The fourth number is the logarithm of a factor of at
    // most 1 on the length of a step. The averaged numbers are sums over a whole batch, so averages over few steps are steady.
    private const int StatisticsCount = 4;
    private const float Forgetting = 0.9f;

    // Limits on the noise with predictions, as a share of the noise without: above, predictions do harm; below, they help. The range
    // between may be chance.
    private const float Harm = 1.02f;
    private const float Good = 0.98f;

    // Ten times the noise cannot be chance, even with few examples. Sums that overflow count as ten times the noise.
    private const float Ruin = 10;
    private const float RuinRetreat = 1;

    // A step that does harm reduces the matrices by this share and the logarithm by this number. A step that helps raises the logarithm.
    private const float Retreat = 0.1f;
    private const float Recovery = 0.02f;

    private readonly int[] _starts; // of each block's matrices and, last, the end
    private readonly WorkerTeam _team;
    private readonly bool _isGlobal;
    private readonly long _roomLength;
    private readonly FeedbackLayer?[] _layers;
    private readonly FeedbackLayer[] _fitted;
    private readonly FeedbackLayer[][] _noiseOf; // the layers whose noise is a block's [block]
    private readonly (FeedbackLayer Layer, int Slice)[] _packing;
    private readonly (FeedbackLayer Layer, int Slice)[][] _parts; // of the fit [block]
    private readonly Memory<float>[] _biases;
    private readonly ParameterVector _sums;
    private readonly Action<int, int> _pack;
    private readonly Action<int, int> _learn;
    private Range _own;

    /// <summary>Creates matrices of zeros.</summary>
    /// <param name="model">The model.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="examples">Examples in a wave.</param>
    /// <param name="isGlobal">True to predict the gradients of the final head's loss, through all blocks.</param>
    internal LearnedFeedback(Network model, WorkerTeam team, int examples, bool isGlobal)
    {
        (_team, _isGlobal) = (team, isGlobal);
        if (FaultOf(model, isGlobal) is string fault)
        {
            throw new ArgumentException(fault, nameof(model));
        }

        Matrices = new ParameterVector(LayoutOf(model));
        _sums = new ParameterVector(Matrices.Layout);
        _starts = [0, .. model.Blocks.Skip(1).Select(block => MatrixOf(block.Layers[0]).Offset), Matrices.Layout.Length];
        (NetworkBlock Block, int Place, bool IsExact)[] fitted =
        [
            .. Sites(model)
                .Where(site => IsFittedTo(site.Block, site.Place, isGlobal))
                .Select(
                    site => (
                        site.Block,
                        site.Place,
                        site.Place == site.Block.Layers.Count - 1 && (!isGlobal || site.Block.Index == model.Blocks.Count - 1))),
        ];
        _layers = new FeedbackLayer?[model.Blocks.Sum(block => block.Layers.Count)];

        // Blocks that learn one after another share the memory of a wave. Layers of a block do not.
        foreach (var sharing in fitted.GroupBy(site => (site.Place, isGlobal ? site.Block.Index : 0)))
        {
            FeedbackRoom room = new(sharing, examples);
            _roomLength += room.Length;
            foreach ((NetworkBlock block, int place, bool isExact) in sharing)
            {
                NetworkLayer layer = block.Layers[place];
                _layers[layer.Index] = new FeedbackLayer(block, place, MatrixOf(layer), StatisticsOf(layer), isExact, room);
            }
        }

        _fitted = [.. _layers.OfType<FeedbackLayer>()];
        _packing = [.. _fitted.SelectMany(layer => Enumerable.Range(0, layer.Map.TransposingSlices).Select(slice => (layer, slice)))];
        _parts =
        [
            .. model.Blocks.Select(block => _fitted.Where(layer => layer.Block == block)
                .SelectMany(layer => Enumerable.Range(0, layer.Map.Slices).Select(slice => (layer, slice))).ToArray()),
        ];
        int bias = _fitted.Select(layer => layer.Block.Layers[layer.Place].Bias.Length).DefaultIfEmpty().Max();
        _biases = [.. Enumerable.Range(0, team.Count).Select(_ => AlignedMemory.Allocate(bias))];
        (_pack, _learn) = (Pack, Learn);
        _noiseOf = [.. model.Blocks.Select(NoiseOf)];

        FeedbackLayer[] NoiseOf(NetworkBlock block)
        {
            FeedbackLayer[] own = [.. _fitted.Where(layer => layer.Block == block)];
            return own.Length == 0 && isGlobal ? [.. _fitted.Take(1)] : own;
        }
    }

    /// <summary>All matrices and the averages of their fit. A checkpoint holds them.</summary>
    internal ParameterVector Matrices { get; }

    /// <summary>True if matrices are fitted; false to keep them as they are.</summary>
    internal bool IsFitted { get; set; } = true;

    /// <summary>The share of the steps that matrices are fitted to, after <see cref="FirstSteps"/>.</summary>
    internal static double FitsPerStep(bool isGlobal) => isGlobal ? 1 : 1.0 / StepsPerFit;

    /// <summary>True if gradients are predicted through a layer: one that has a layer below it which the same loss trains.</summary>
    internal static bool IsFittedTo(NetworkBlock block, int place, bool isGlobal) => place > 0 || (isGlobal && block.Index > 0);

    internal long Bytes => sizeof(float) * (_roomLength + _fitted.Sum(layer => (long)layer.Packed.Length)
        + Matrices.All.Length + _sums.All.Length + _biases.Sum(m => (long)m.Length));

    /// <summary>
    /// The layout of a model's matrices. Every layer except the first has a matrix. With local losses, the matrix of a block's first layer
    /// stays at 0.
    /// </summary>
    internal static ParameterLayout LayoutOf(Network model)
    {
        ParameterLayout layout = new();
        foreach ((NetworkBlock block, int l) in Sites(model))
        {
            Parameter weight = block.Layers[l].Weight;
            layout.Add(weight.Name, weight.Shape, isMatrix: true);
            layout.Add($"{weight.Name}.statistics", [StatisticsCount], isMatrix: false);
        }

        return layout;
    }

    /// <summary>The feedback of a layer; null if nothing is predicted through the layer.</summary>
    internal FeedbackLayer? Of(NetworkLayer layer) => _layers[layer.Index];

    /// <summary>The range of <see cref="Matrices"/> that holds the matrices of some blocks.</summary>
    internal Range RangeOf(Range blocks) => _starts[blocks.Start.Value].._starts[blocks.End.Value];

    /// <summary>
    /// The noise with predictions in the activations below a layer, as a share of the noise without; 1 before the first fit.
    /// </summary>
    internal double NoiseLeft(FeedbackLayer above)
    {
        ReadOnlySpan<float> statistics = Matrices[above.Statistics];
        return statistics[1] > 0 ? statistics[0] / statistics[1] : 1;
    }

    /// <summary>
    /// The share of the noise that predictions leave in each block: the mean over its layers; 0 in a block whose gradients are all exact.
    /// Under a global loss, a first block of one layer has the share of the layer that reads its output.
    /// </summary>
    internal IReadOnlyList<double> NoiseLeftByBlock() =>
        [.. _noiseOf.Select(layers => layers.Select(NoiseLeft).DefaultIfEmpty().Average())];

    /// <summary>True if matrices are fitted to the step under way.</summary>
    internal bool IsFitting { get; private set; }

    /// <summary>Begins a step in some of the blocks. The number of the step decides if matrices are fitted to it.</summary>
    internal void Begin(Range own, uint number)
    {
        _own = own;
        IsFitting = IsFitted && (_isGlobal || number < FirstSteps || number % StepsPerFit == 0);
        _team.Run(_packing.Length, _pack);
    }

    /// <inheritdoc/>
    /// <remarks>A part is a slice of a layer's matrix.</remarks>
    internal override int PartsOf(int block) => IsFitting ? _parts[block].Length : 0;

    /// <summary>Adds up a slice of a layer's U over the wave and, with the first slice, the layer's E.</summary>
    internal override void Take(
        int block, int part, WaveBlock wave, int worker, int examples, int capacity, bool accumulate, Span<float> workspace)
    {
        (FeedbackLayer layer, int slice) = _parts[block][part];
        int positions = layer.Block.Layers[layer.Place].Positions, rows = examples * positions;
        ReadOnlySpan<float> packed = layer.IsExact ? wave.PackedGradients[layer.Place].Span : layer.Features;
        Span<float> bias = _biases[worker].Span[..layer.Block.Layers[layer.Place].Bias.Length];
        layer.Map.AccumulateGradient(
            slice,
            new(layer.Residuals[..(rows * layer.Map.Inputs)], packed, rows, capacity * positions),
            new(_sums[layer.Matrix], bias, accumulate),
            workspace);
        if (slice > 0)
        {
            return;
        }

        // Example by example, so that sums do not depend on where a wave ends.
        Span<float> sums = _sums[layer.Statistics];
        (float left, float plain) = accumulate ? (sums[0], sums[1]) : (0, 0);
        for (int n = 0; n < examples; n++)
        {
            left += layer.Noise[2 * n];
            plain += layer.Noise[(2 * n) + 1];
        }

        (sums[0], sums[1]) = (left, plain);
    }

    /// <summary>Fits the matrices to the sums of the step.</summary>
    /// <param name="grid">The processes that share the step.</param>
    internal void Complete(RankGrid grid)
    {
        if (IsFitting)
        {
            grid.Peers.BeginSum(_sums.Memory[RangeOf(_own)]).Wait();
            _team.Run(_fitted.Length, _learn);
        }
    }

    /// <summary>Says why learned feedback cannot serve a network; null if it can.</summary>
    /// <remarks>
    /// A prediction passes from an affine layer to the affine layer before it, and its error is measured in the units of that layer.
    /// </remarks>
    internal static string? FaultOf(Network model, bool isGlobal)
    {
        // Under local losses, the gradient of a block's only affine layer is exact, and nothing is predicted in the block.
        foreach (NetworkBlock block in model.Blocks.Where(block => isGlobal || block.Layers.Count > 1))
        {
            Section[] chain = block.Plan.Sections[block.Plan.FirstAffine..];
            IEnumerable<int> residuals = Enumerable.Range(0, block.Plan.ResidualLengths.Length);
            string? fault = chain.Any(section => section.Layer is null)
                ? "has a layer without parameters between or behind its affine layers"
                : residuals.Any(block.Plan.BeginsInside) ? "has a residual that begins behind its first affine layer"
                : isGlobal && chain[..^1].Any(section => section.EndsResidual) ? "has a residual that ends before its last affine layer"
                : isGlobal && block.Plan.Sections.Count(section => section.Example is not null) > 1
                    ? "has several layers without parameters in front of its first affine layer"
                : isGlobal && block.Index > 0 && MovesInFrontOfExampleLayer(model.Blocks[block.Index - 1], block)
                    ? "has a layer without parameters in front that noise enters through an activation function or a normalisation"
                : block.Layers.Any(layer => layer.InputPositions != layer.Positions) ? "has an affine layer that changes the grid"
                : block.Layers.SkipLast(1).Any(layer => layer.ReachesOtherPositions) ? "mixes positions behind its first affine layer"
                : null;
            if (fault is not null)
            {
                return $"Learned feedback predicts gradients through chains of affine layers, but block {block.Index} {fault}. "
                    + "Divide the block, or use no control variate.";
            }
        }

        return null;
    }

    // True if the error of a prediction passes through a row layer on its way from the last noise site of a block to an example layer in
    // front of the next block. The error has memory at the next affine layer alone, behind the example layer.
    private static bool MovesInFrontOfExampleLayer(NetworkBlock block, NetworkBlock next)
    {
        Section[] entry = next.Plan.Sections[..next.Plan.FirstAffine];
        IEnumerable<Step> steps = block.Plan.Sections[^1].Steps.SkipWhile(step => step is not SiteStep)
            .Concat(entry.TakeWhile(section => section.Example is null).SelectMany(section => section.Steps));
        return entry.Any(section => section.Example is not null) && steps.Any(step => step is RowStep { IsMaskOfNoise: false });
    }

    private static IEnumerable<(NetworkBlock Block, int Place)> Sites(Network model) =>
        model.Blocks.SelectMany(block => Enumerable.Range(0, block.Layers.Count).Select(l => (block, l))).Skip(1);

    // Every layer except the first has a matrix and its statistics, in the order of the layers.
    private Parameter MatrixOf(NetworkLayer layer) => Matrices.Layout.Parameters[2 * (layer.Index - 1)];

    private Parameter StatisticsOf(NetworkLayer layer) => Matrices.Layout.Parameters[(2 * (layer.Index - 1)) + 1];

    private bool Owns(FeedbackLayer layer) => layer.Block.Index >= _own.Start.Value && layer.Block.Index < _own.End.Value;

    private void Pack(int job, int worker)
    {
        (FeedbackLayer layer, int slice) = _packing[job];
        if (Owns(layer))
        {
            layer.Map.PackTranspose(slice, Matrices[layer.Matrix], layer.Packed.Span);
        }
    }

    private void Learn(int job, int worker)
    {
        FeedbackLayer layer = _fitted[job];
        if (!Owns(layer))
        {
            return;
        }

        Span<float> matrix = Matrices[layer.Matrix], statistics = Matrices[layer.Statistics];
        ReadOnlySpan<float> update = _sums[layer.Matrix], sums = _sums[layer.Statistics];
        if (!(sums[0] <= Ruin * Math.Max(sums[1], statistics[1])))
        {
            matrix.Clear();
            (statistics[0], statistics[3]) = (statistics[1], statistics[3] - RuinRetreat);
            return;
        }

        Average(ref statistics[0], sums[0]);
        Average(ref statistics[1], sums[1]);
        Average(ref statistics[2], Reduction.SumOfSquares(update));
        bool harms = statistics[0] > Harm * statistics[1], helps = statistics[0] < Good * statistics[1];
        statistics[3] = Math.Min(0, statistics[3] + (harms ? -Retreat : helps ? Recovery : 0));
        if (harms)
        {
            TensorPrimitives.Multiply(matrix, 1 - Retreat, matrix);
        }

        if (statistics[2] > 0)
        {
            TensorPrimitives.MultiplyAdd(update, Pointwise.Exp(statistics[3]) * statistics[0] / statistics[2], matrix, matrix);
        }
    }

    private static void Average(ref float average, float value) => average += (1 - Forgetting) * (value - average);
}
