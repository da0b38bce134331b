namespace Onward.Tests.Data;

/// <summary>The original files of MNIST, if this machine has them.</summary>
internal static class RealMnist
{
    public static string FolderOrSkip() => RealData.FolderOrSkip("mnist", "train-images-idx3-ubyte.gz");
}
