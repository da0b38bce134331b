using Onward.Losses;
using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>Gradients from the oracle: exact ones, number by number, and the forward gradients of LG-FG-A.</summary>
public static class NaiveGradients
{
    // Balances the cubic term, about its square, against cancellation, about 1e-16 over it.
    private const double Step = 1e-5;

    /// <summary>Exact derivatives of a loss with respect to the numbers of a parameter: one sweep each.</summary>
    public static double[] Exact(TinyNetwork network, Parameter parameter, Func<NaiveSweep, Dual> loss)
    {
        NaiveLocalMixer oracle = new(network);
        Dual[] numbers = oracle[parameter];
        double[] gradient = new double[numbers.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            Dual number = numbers[i];
            numbers[i] = new Dual(number.Value, 1);
            gradient[i] = loss(oracle.Run(network.Pixels, network.Labels)).Tangent;
            numbers[i] = number;
        }

        return gradient;
    }

    /// <summary>The gradient by central differences of the loss's value, without any derivative.</summary>
    public static double[] CentralDifferences(TinyNetwork network, Parameter parameter, Func<NaiveSweep, Dual> loss)
    {
        NaiveLocalMixer oracle = new(network);
        Dual[] numbers = oracle[parameter];
        double[] gradient = new double[numbers.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            Dual number = numbers[i];
            gradient[i] = (Loss(number + Step) - Loss(number - Step)) / (2 * Step);
            numbers[i] = number;

            double Loss(Dual changed)
            {
                numbers[i] = changed;
                return loss(oracle.Run(network.Pixels, network.Labels)).Value;
            }
        }

        return gradient;
    }

    /// <summary>Forward gradients of all layers, averaged over passes.</summary>
    /// <param name="network">The network.</param>
    /// <param name="scope">The losses to tell apart; the others are added up.</param>
    /// <param name="noise">The noise of each pass [pass][layer][n][p][D].</param>
    public static Dictionary<Parameter, double[]> ForwardGradient(
        TinyNetwork network, LossScope scope, IReadOnlyCollection<double[][][][]> noise)
    {
        NaiveLocalMixer oracle = new(network);
        Dictionary<Parameter, double[]> gradients = network.Model.Values.Layout.Parameters.ToDictionary(
            parameter => parameter, parameter => new double[parameter.Length]);
        foreach (double[][][][] direction in noise)
        {
            foreach (NaiveBlock block in oracle.Run(network.Pixels, network.Labels, direction).Blocks)
            {
                foreach (NaiveLayer layer in block.Layers)
                {
                    AddLayer(network.Model.Mixer!, scope, block, layer, 1.0 / noise.Count, gradients[layer.Weight], gradients[layer.Bias]);
                }
            }
        }

        return gradients;
    }

    private static void AddLayer(
        LocalMixerOptions options, LossScope scope, NaiveBlock block, NaiveLayer layer, double share, double[] weight, double[] bias)
    {
        int patches =
            layer.Output[0].Length, channels = layer.Output[0][0].Length, groups = block.Losses[0][0].Length, size = channels / groups;
        for (int n = 0; n < block.Losses.Length; n++)
        {
            double[][] z = [.. Enumerable.Range(0, patches).Select(p => OutputGradient(n, p))];
            for (int p = 0; p < patches; p++)
            {
                for (int d = 0; d < channels; d++)
                {
                    double gradient = z[p][d] * share;
                    bias[layer.Kind == LayerKind.Token ? p : d] += gradient;
                    switch (layer.Kind)
                    {
                        case LayerKind.Token:
                            for (int q = 0; q < patches; q++)
                            {
                                weight[(q * patches) + p] += layer.Input[n][q][d].Value * gradient;
                            }

                            break;
                        case LayerKind.Convolution:
                            for (int i = 0; i < options.KernelSide * options.KernelSide; i++)
                            {
                                int q = NaiveLocalMixer.Neighbour(options, patches, p, i);
                                weight[(i * channels) + d] += q < 0 ? 0 : layer.Input[n][q][d].Value * gradient;
                            }

                            break;
                        case LayerKind.Channel:
                            for (int i = 0; i < layer.Input[n][p].Length; i++)
                            {
                                weight[(i * channels) + d] += layer.Input[n][p][i].Value * gradient;
                            }

                            break;
                        default:
                            int first = d / size * size;
                            for (int i = 0; i < size; i++)
                            {
                                weight[((first + i) * size) + (d % size)] += layer.Input[n][p][first + i].Value * gradient;
                            }

                            break;
                    }
                }
            }
        }

        // Steps 3 and 4: noise times the derivative of the losses it reaches, back through the one normalisation.
        double[] OutputGradient(int n, int p)
        {
            double[] estimate =
            [
                .. Enumerable.Range(0, channels)
                .Select(d => layer.Activation[n][p][d].Value > 0 ? Credit(n, p, d / size) * layer.Noise[n][p][d] : 0),
            ];
            return options.Normalizations.HasFlag(Normalizations.PostLinear)
                ?
                [
                    .. layer.Output[n][p]
                    .Zip(estimate)
                    .Chunk(layer.Kind == LayerKind.Group ? size : channels)
                    .SelectMany(run => NormalizationGradient(run, options.Epsilon)),
                ]
                : estimate;
        }

        double Credit(int n, int p, int g)
        {
            double credit = 0;
            for (int q = 0; q < patches; q++)
            {
                for (int h = 0; h < groups; h++)
                {
                    bool patchCounts = q == p || !scope.HasFlag(LossScope.Patch);
                    bool groupCounts = h == g || !scope.HasFlag(LossScope.Group) || layer.Kind is LayerKind.Token or LayerKind.Convolution;
                    credit += patchCounts && groupCounts ? block.Losses[n][q][h].Tangent : 0;
                }
            }

            return credit;
        }
    }

    // The whole Jacobian of one run, column by column, against the gradient of its output.
    private static IEnumerable<double> NormalizationGradient((Dual Z, double Gradient)[] run, double epsilon) =>
        run.Select((_, j) => NaiveLocalMixer.Normalize([.. run.Select((entry, i) => new Dual(entry.Z.Value, i == j ? 1 : 0))], epsilon)
            .Zip(run, (normal, entry) => normal.Tangent * entry.Gradient).Sum());
}
