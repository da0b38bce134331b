using Onward.Kernels;
using Onward.Learning;
using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>
/// The estimate's expectation is the exact gradient of the local losses, and its variance falls as one over the number
/// of directions: by an identity first, then by seeded draws.
/// </summary>
public sealed class ForwardGradientUnbiasednessTests
{
    public static MatrixTheoryData<string, LossScope> Cases => new(
        TinyNetwork.Names,
        [LossScope.Block, LossScope.Block | LossScope.Patch, LossScope.Block | LossScope.Group, LossScope.All]);

    // Independent noise has covariance 1, as has this set of directions: no sampling, no error but rounding.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Estimates_along_an_orthonormal_set_of_directions_add_up_to_the_exact_gradient(string name, LossScope scope)
    {
        TinyNetwork network = TinyNetwork.Create(name, examples: 2);
        LocalMixerOptions options = network.Model.Options;
        foreach (MixerBlock block in network.Model.Blocks)
        {
            foreach (MixerLayer layer in block.Layers)
            {
                using OneStep step = new(network, new UnitNoise(layer.Index), scope);
                double[] weight = new double[layer.Weight.Length], bias = new double[layer.Bias.Length];
                for (int element = 0; element < options.Patches * options.Channels; element++)
                {
                    step.Run((uint)element);
                    Add(step.Gradient(layer.Weight), weight);
                    Add(step.Gradient(layer.Bias), bias);
                }

                double[] exactWeight = NaiveGradients.Exact(network, layer.Weight, sweep => sweep.Blocks[block.Index].SumOfReplicas);
                double[] exactBias = NaiveGradients.Exact(network, layer.Bias, sweep => sweep.Blocks[block.Index].SumOfReplicas);
                Tolerance.Near(exactWeight, weight, Tolerance.Network, layer.Weight.Name);
                Tolerance.Near(exactBias, bias, Tolerance.Network, layer.Bias.Name, Tolerance.Norm(exactWeight));
            }
        }
    }

    [Theory]
    [InlineData("all normalisations", LossScope.All, 64 * 1024)]
    [InlineData("post-linear only", LossScope.Block, 48 * 1024)]
    public void Mean_of_many_estimates_nears_the_exact_gradient_as_one_over_the_root_of_their_number(string name, LossScope scope, int draws)
    {
        const int Parts = 16;
        TinyNetwork network = TinyNetwork.Create(name, examples: 2);
        using OneStep step = new(network, ActivityPerturbation.Gaussian, scope);
        double[] exact = [.. Layers(network).SelectMany(layer => Exact(network, layer))];
        Moments all = new(exact.Length);
        double squaredErrors = 0;

        for (int part = 0; part < Parts; part++)
        {
            Moments moments = new(exact.Length);
            for (int draw = 0; draw < draws / Parts; draw++)
            {
                step.Run((uint)((part * draws / Parts) + draw));
                moments.Add(Gradients(network, step));
            }

            squaredErrors += Math.Pow(Distance(moments.Mean, exact), 2) / Parts;
            all.Add(moments);
        }

        double error = Distance(all.Mean, exact), standardError = Math.Sqrt(all.TotalVariance / draws);
        Assert.InRange(standardError / Tolerance.Norm(exact), 0, Tolerance.MonteCarloPower);
        Assert.InRange(error / standardError, 0, Tolerance.MonteCarloError);
        Assert.InRange(Math.Sqrt(squaredErrors) / error, Math.Sqrt(Parts) / Tolerance.MonteCarloError, Math.Sqrt(Parts) * Tolerance.MonteCarloError);
    }

    [Fact]
    public void Four_passes_divide_the_variance_by_four()
    {
        const int Draws = 8 * 1024;
        TinyNetwork network = TinyNetwork.Create("all normalisations", examples: 2);

        double ratio = Variance(1) / Variance(4);

        Assert.InRange(ratio, 4 * (1 - Tolerance.VarianceRatio), 4 * (1 + Tolerance.VarianceRatio));

        double Variance(int passes)
        {
            using OneStep step = new(network, ActivityPerturbation.Gaussian, LossScope.All, passes);
            Moments moments = new(Layers(network).Sum(layer => layer.Weight.Length + layer.Bias.Length));
            for (uint draw = 0; draw < Draws; draw++)
            {
                step.Run(draw);
                moments.Add(Gradients(network, step));
            }

            return moments.TotalVariance;
        }
    }

    private static IEnumerable<MixerLayer> Layers(TinyNetwork network) => network.Model.Blocks.SelectMany(block => block.Layers);

    // The losses of other blocks do not depend on the layer, so they may be added up as well.
    private static IEnumerable<double> Exact(TinyNetwork network, MixerLayer layer) =>
        new[] { layer.Weight, layer.Bias }.SelectMany(parameter => NaiveGradients.Exact(network, parameter, sweep => Dual.Sum(sweep.Blocks.Select(block => block.SumOfReplicas))));

    private static IEnumerable<float> Gradients(TinyNetwork network, OneStep step) =>
        Layers(network).SelectMany(layer => new[] { layer.Weight, layer.Bias }).SelectMany(parameter => step.Gradient(parameter).ToArray());

    private static void Add(ReadOnlySpan<float> terms, double[] sums)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += terms[i];
        }
    }

    private static double Distance(double[] x, double[] y) => Math.Sqrt(x.Zip(y, (a, b) => (a - b) * (a - b)).Sum());

    // 1 at the element that the step's number names, in every example at once: examples have losses of their own.
    private sealed class UnitNoise(int layer) : ActivityPerturbation
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            noise.Clear();
            int element = (int)stream.Step - firstElement;
            if (stream.Layer == layer && element >= 0 && element < noise.Length)
            {
                noise[element] = 1;
            }
        }
    }

    // Sums and sums of squares of vectors.
    private sealed class Moments(int length)
    {
        private readonly double[] _sums = new double[length];
        private readonly double[] _squares = new double[length];
        private int _count;

        public double[] Mean => [.. _sums.Select(sum => sum / _count)];

        public double TotalVariance => _squares.Zip(_sums, (square, sum) => (square / _count) - Math.Pow(sum / _count, 2)).Sum();

        public void Add(IEnumerable<float> vector)
        {
            int i = 0;
            foreach (float value in vector)
            {
                _sums[i] += value;
                _squares[i++] += (double)value * value;
            }

            _count++;
        }

        public void Add(Moments other)
        {
            for (int i = 0; i < length; i++)
            {
                _sums[i] += other._sums[i];
                _squares[i] += other._squares[i];
            }

            _count += other._count;
        }
    }
}
