using Onward.Rules;

namespace Onward.Runs;

/// <summary>The columns of <c>metrics.csv</c> in which runs differ.</summary>
/// <param name="Losses">Blocks whose losses are kept; 0 if the rule trains no local heads.</param>
/// <param name="Gradients">Blocks whose gradients are compared with exact ones.</param>
/// <param name="NoiseLeft">Blocks whose gradients are predicted.</param>
/// <param name="IsContrastive">True if images are compared instead of classes learnt.</param>
/// <param name="IsText">True if characters are predicted, which is measured in bits.</param>
internal sealed record MetricsLayout(int Losses, int Gradients, int NoiseLeft, bool IsContrastive, bool IsText)
{
    /// <summary>The columns of a run.</summary>
    internal static MetricsLayout Of(RunConfiguration run, int blocks) =>
        new(
            PaperRules.Get(run.Rule).TrainsHeads ? blocks : 0,
            run.MeasureGradients > 0 ? blocks : 0,
            run.ControlVariate == ControlVariate.None ? 0 : blocks,
            run.Projection > 0,
            run.IsText);
}
